import { createHash } from "node:crypto";

/** What stands in a key as it is: no slash, so that one client's keys end where the next's begin. */
const PLAIN = /^[A-Za-z0-9_.:-]{1,64}$/;

/**
 * A client identifier as part of a key: `=` and the identifier where that is short and plain, else
 * `~` and its SHA-256. Client identifiers may hold anything and be 65,535 bytes long.
 */
export function clientKey(clientId: string): string {
  if (PLAIN.test(clientId)) return `=${clientId}`;
  return `~${createHash("sha256").update(clientId).digest("base64url")}`;
}
