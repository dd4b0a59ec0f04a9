/**
 * Which user a client certificate stands for. TLS has verified it; here only its names are read.
 * Where nothing is said of a certificate its common name is the user's name.
 */
import type { PeerCertificate } from "../base/peer-certificate.ts";
import { isMisleading } from "./misleading.ts";
import { isAnonymousName } from "./rules.ts";

export interface NamedCertificate {
  readonly by: "commonName" | "alternativeName" | "fingerprint";
  /** A fingerprint in upper case, with colons. */
  readonly value: string;
  readonly user: string;
}

export interface CertificateUsers {
  /** The first that fits decides. */
  readonly named: readonly NamedCertificate[];
  readonly others: "commonName" | "refused";
}

export const COMMON_NAMES: CertificateUsers = { named: [], others: "commonName" };

const USER_LENGTH_MAX = 256;

/** Undefined: this certificate stands for nobody. */
export function userOfCertificate(
  certificate: PeerCertificate,
  { named, others }: CertificateUsers,
): string | undefined {
  const found = named.find((one) => fits(one, certificate));
  if (found !== undefined) return found.user;
  const { commonName } = certificate;
  return others === "commonName" && isUserName(commonName) ? commonName : undefined;
}

/** A name that somebody else gave: a certificate's, a token's. It may be odd, but not misleading. */
export function isUserName(name: unknown): name is string {
  if (typeof name !== "string" || name === "" || isAnonymousName(name)) return false;
  return name.length <= USER_LENGTH_MAX && !isMisleading(name);
}

function fits({ by, value }: NamedCertificate, certificate: PeerCertificate): boolean {
  if (by === "commonName") return certificate.commonName === value;
  if (by === "alternativeName") return certificate.alternativeNames.includes(value);
  return certificate.fingerprint === value;
}
