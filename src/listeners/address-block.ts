/** Blocks of IP addresses: the loopback interface, and the proxies an operator trusts. */
import { BlockList, isIP } from "node:net";

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined where it is none of them. */
function readBlock(text: string): { address: string; bits: number; family: Family } | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = familyOf(address);
  if (family === undefined || address.includes("%") || rest.length > 0) return undefined;
  const bitsMax = family === "ipv4" ? 32 : 128;
  const bits = prefix === undefined ? bitsMax : Number(prefix);
  const written = prefix === undefined || /^\d{1,3}$/.test(prefix);
  return written && bits <= bitsMax ? { address, bits, family } : undefined;
}

export function isAddressBlock(text: string): boolean {
  return readBlock(text) !== undefined;
}

/** Blocks that were checked with {@link isAddressBlock}; any other contains nobody. */
export class AddressBlocks {
  readonly #list = new BlockList();

  constructor(blocks: readonly string[]) {
    for (const text of blocks) {
      const block = readBlock(text);
      if (block !== undefined) this.#list.addSubnet(block.address, block.bits, block.family);
    }
  }

  has(address: string): boolean {
    // A link-local client is called by its interface as well: fe80::1%eth0.
    const [bare = ""] = address.split("%", 1);
    const family = familyOf(bare);
    return family !== undefined && this.#list.check(bare, family);
  }
}

export const LOOPBACK = new AddressBlocks(["127.0.0.0/8", "::1"]);

/** An IPv4 client of a listener on `::` is called as everywhere else. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

type Family = "ipv4" | "ipv6";

function familyOf(address: string): Family | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? "ipv4" : "ipv6";
}
