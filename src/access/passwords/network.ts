/**
 * Whose fair share an address takes. Whoever has one IPv6 address has 2^64 of them (RFC 6177), so
 * the network counts there, its first 64 bits; an IPv4 address counts by itself.
 */
import { isIPv6 } from "node:net";

const GROUPS = 8;
const NETWORK_GROUPS = 4;

export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = "", right] = address.split("::");
  const groups = groupsOf(left);
  const last = right === undefined ? [] : groupsOf(right);
  while (groups.length + last.length < GROUPS) groups.push("0");
  return [...groups, ...last].slice(0, NETWORK_GROUPS).join(":");
}

/** `db8::` and `0db8::` are the same. */
function groupsOf(text: string): string[] {
  return text === ""
    ? []
    : text.split(":").map((group) => group.replace(/^0+(?=.)/, "").toLowerCase());
}
