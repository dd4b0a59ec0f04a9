/** What every list of listeners in the configuration file has: names, addresses, proxies. */

import type { ListenAddress } from "../base/service.ts";
import { type Fields, invalid, map, required } from "../config/config-fields.ts";
import { readWord } from "../config/kind.ts";
import { readAddress } from "../config/kinds/address.ts";
import { text } from "../config/kinds/text.ts";
import { isAddressBlock } from "./address-block.ts";

export const LISTENERS_MAX = 64;
const PROXIES_MAX = 256;

const NAME = text({
  placeholder: "NAME",
  bounds: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
});
const ADDRESS = { read: readWord((word) => readAddress(word, 0)) };

/** A name that no listener before it has; it is taken from then on. @throws CONFIG_INVALID */
export function readName(fields: Fields, at: string, taken: Set<string>): string {
  const name = required(NAME, fields, "name", at);
  if (taken.has(name)) throw invalid(`${at}.name`, `must be another than ${name}: that is taken`);
  taken.add(name);
  return name;
}

/** @throws CONFIG_INVALID */
export function readListenAddress(fields: Fields, at: string): ListenAddress {
  return required(ADDRESS, fields, "address", at);
}

/** `proxyProtocol: { from: [...] }`. @throws CONFIG_INVALID */
export function readProxies(fields: Fields, at: string): readonly string[] | undefined {
  const input = fields["proxyProtocol"];
  if (input === undefined) return undefined;
  const here = `${at}.proxyProtocol`;
  const { from } = map(input, here, ["from"]);
  const blocks = typeof from === "string" ? [from] : from;
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > PROXIES_MAX) {
    const complaint = `must be a list of the proxies' addresses, like 10.0.0.0/8 (at most ${PROXIES_MAX})`;
    throw invalid(`${here}.from`, complaint);
  }
  for (const [index, block] of blocks.entries()) {
    if (typeof block !== "string" || !isAddressBlock(block)) {
      throw invalid(`${here}.from[${index}]`, "must be an IP address, or a block like 10.0.0.0/8");
    }
  }
  return blocks as readonly string[];
}
