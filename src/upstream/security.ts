/** How a connection upstream is encrypted and authenticated, in the words of the configuration. */
import type { ConnectionOptions } from "@platformatic/kafka";
import { TributaryError } from "../base/errors.ts";

export interface TlsOptions {
  /** PEM, as bytes or text. The system's authorities, without it. */
  readonly ca?: string | Buffer;
  /** This gateway's certificate and key, PEM, where the cluster asks for them. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Whether a certificate that cannot be verified ends the connection; true, without it. */
  readonly rejectUnauthorized?: boolean;
  /** The name to verify, where it is not the host's. */
  readonly serverName?: string;
}

export const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export interface SaslOptions {
  readonly mechanism: SaslMechanism;
  readonly username?: string;
  /** With OAUTHBEARER, the token. A function is asked again for each connection. */
  readonly password: string | (() => string | Promise<string>);
}

export type ConnectionSecurity = Pick<ConnectionOptions, "tls" | "tlsServerName" | "sasl">;

/** @throws CONFIG_INVALID */
export function connectionSecurity(
  tls: TlsOptions | undefined,
  sasl: SaslOptions | undefined,
): ConnectionSecurity {
  const security: ConnectionSecurity = {};
  if (tls !== undefined) {
    const { serverName, ...options } = tls;
    security.tls = options;
    if (serverName !== undefined) security.tlsServerName = serverName;
  }
  if (sasl !== undefined) security.sasl = librarySasl(sasl);
  return security;
}

function librarySasl(sasl: SaslOptions): NonNullable<ConnectionOptions["sasl"]> {
  const { mechanism, username, password } = sasl;
  if (mechanism === "OAUTHBEARER") return { mechanism, token: password };
  if (username === undefined || username === "") {
    throw new TributaryError("CONFIG_INVALID", `SASL ${mechanism} needs a user name; give one`);
  }
  return { mechanism, username, password };
}
