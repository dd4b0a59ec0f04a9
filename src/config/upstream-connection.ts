/**
 * What the options say of the way upstream, with the files they name read: brokers, topics, TLS,
 * SASL. The password stays in its {@link Secret} until a connection asks for it.
 */
import { readFileSync } from "node:fs";
import { messageOf, TributaryError } from "../base/errors.ts";
import type { UpstreamAddress } from "./kinds/upstream-address.ts";
import type { Config } from "./option-table.ts";

/** @throws CONFIG_INVALID where a file cannot be read, or a user has no password */
export function upstreamConnection(config: Config, upstream: UpstreamAddress) {
  const { upstreamTls, upstreamSasl, upstreamTopics, upstreamName } = config;
  const { mechanism, username, password } = upstreamSasl;
  const { caFile, certFile, keyFile, serverName, verify } = upstreamTls;
  if (username !== undefined && password === undefined) {
    throw new TributaryError(
      "CONFIG_INVALID",
      "upstreamSasl.username is set without a password: set TRIBUTARY_UPSTREAM_SASL_PASSWORD, or " +
        "upstreamSasl.passwordFile.",
    );
  }
  return {
    brokers: upstream.brokers,
    topics: upstreamTopics.map((topic) => ({ topic, rename: upstreamName })),
    ...(upstream.tls && {
      tls: {
        ...(caFile !== undefined && { ca: readPem("upstreamTls.caFile", caFile) }),
        ...(certFile !== undefined && { cert: readPem("upstreamTls.certFile", certFile) }),
        ...(keyFile !== undefined && { key: readPem("upstreamTls.keyFile", keyFile) }),
        ...(serverName !== undefined && { serverName }),
        rejectUnauthorized: verify === "full",
      },
    }),
    ...(password !== undefined && {
      sasl: {
        mechanism,
        ...(username !== undefined && { username }),
        password: () => password.reveal(),
      },
    }),
  };
}

function readPem(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TributaryError("CONFIG_INVALID", `${option} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
