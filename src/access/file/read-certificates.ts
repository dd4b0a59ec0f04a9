/** `certificates:` of the access file: which user a client certificate stands for. */
import { type CertificateUsers, COMMON_NAMES, type NamedCertificate } from "../certificates.ts";
import { userNameComplaint } from "./read-users.ts";
import type { YamlPart } from "./yaml-part.ts";

const NAMED_MAX = 10_000;
const WAYS = ["commonName", "alternativeName", "fingerprint"] as const;
/** A SHA-256, with colons or without, in either case. */
const FINGERPRINT = /^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/;

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function readCertificates(part: YamlPart | undefined): CertificateUsers {
  if (part === undefined) return COMMON_NAMES;
  const { users, others } = part.fields(["users", "others"]);
  return {
    named: users?.items(NAMED_MAX).map(readNamed) ?? [],
    others: others?.oneOf(["commonName", "refused"]) ?? "commonName",
  };
}

function readNamed(part: YamlPart): NamedCertificate {
  const { user, ...given } = part.fields([...WAYS, "user"]);
  const [by, ...more] = WAYS.filter((way) => given[way] !== undefined);
  const value = by === undefined ? undefined : given[by];
  if (by === undefined || value === undefined || more.length > 0) {
    throw part.complaint(`must have one of ${WAYS.join(", ")}`);
  }
  if (user === undefined) throw part.complaint("must have user, the name it stands for");
  const complaint = userNameComplaint(user.text());
  if (complaint !== undefined) throw user.complaint(complaint);
  return {
    by,
    value: by === "fingerprint" ? readFingerprint(value) : value.text(),
    user: user.text(),
  };
}

function readFingerprint(part: YamlPart): string {
  const text = part.text();
  if (!FINGERPRINT.test(text)) throw part.complaint("must be a SHA-256 in hexadecimal");
  const pairs = text.replaceAll(":", "").toUpperCase().match(/../g) ?? [];
  return pairs.join(":");
}
