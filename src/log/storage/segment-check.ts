/**
 * Looks at a segment's file before LMDB maps it, because LMDB trusts what it maps: a file that was
 * cut short or overwritten can take the whole process down. It follows the pages of the snapshot
 * that LMDB will open, and believes none of their numbers.
 *
 * LMDB's file format (lmdb-js's fork, data version 2, 64 bits, little endian), as far as needed:
 *
 *     page     page number u64 | transaction u64 | pad u16 | flags u16 | lower u16, upper u16
 *              (an overflow page: count u32 instead) | node positions u16, from byte 24 on
 *     node     low u16 | high u16 | flags u16 | key length u16 | key | data
 *              (a branch: 48 bits of page number; a leaf: length of the data u32)
 *     meta     magic u32, version u32, ... two trees of 48 bytes at 24 and 72, last page u64 at 120,
 *              transaction u64 at 128; in pages 0 and 1 at byte 24. The last flushed one stands
 *              again in the middle of page 0, without magic.
 */
import { type FileHandle, open } from "node:fs/promises";
import { META_AT, META_BYTES, transactionOf } from "./meta-pages.ts";

const PAGE_BYTES = 4096;
const PAGE_HEADER_BYTES = 24;
const FLUSHED_META_AT = PAGE_BYTES / 2 + META_AT;
const META_MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const NODE_HEADER_BYTES = 8;
const OVERFLOW_REFERENCE_BYTES = 24;
const TREES_AT = [24, 72] as const;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const DEPTH_MAX = 32;
/** Read at once: pages that follow each other in a tree mostly do so in the file. */
const CHUNK_PAGES = 64;

class Damage extends Error {}

/** Answers what is wrong with the segment's file, or undefined where LMDB may open it to `mode`. */
export async function checkSegmentFile(
  path: string,
  mode: "read" | "write",
): Promise<string | undefined> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    if (size < 2 * PAGE_BYTES) return `its file has ${size} bytes, less than its two meta pages`;
    const metas = Buffer.alloc(2 * PAGE_BYTES);
    await handle.read(metas, 0, metas.length, 0);
    for (const page of [0, 1]) {
      const at = page * PAGE_BYTES + META_AT;
      if (metas.readUInt32LE(at) !== META_MAGIC) return `its meta page ${page} is overwritten`;
      if ((metas.readUInt32LE(at + 4) & 0xffff) !== DATA_VERSION) {
        return `its meta page ${page} tells of another format`;
      }
    }
    const walk = new TreeWalk(handle, Math.floor(size / PAGE_BYTES));
    await walk.follow(snapshotOf(metas, mode));
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * The snapshot that LMDB opens: to write, the last that was flushed, or the one before the first;
 * only to read, the newest, which in a sealed segment is the last that was flushed as well.
 */
function snapshotOf(metas: Buffer, mode: "read" | "write"): Buffer {
  const first = metaAt(metas, META_AT);
  const second = metaAt(metas, PAGE_BYTES + META_AT);
  const flushed = metaAt(metas, FLUSHED_META_AT);
  const [older, newest] =
    transactionOf(first) >= transactionOf(second) ? [second, first] : [first, second];
  if (mode === "read") return newest;
  return transactionOf(flushed) > 0n ? flushed : older;
}

function metaAt(metas: Buffer, at: number): Buffer {
  return metas.subarray(at, at + META_BYTES);
}

class TreeWalk {
  readonly #handle: FileHandle;
  readonly #pages: number;
  readonly #seen = new Set<number>();
  readonly #chunk = Buffer.alloc(CHUNK_PAGES * PAGE_BYTES);
  #chunkFrom = Number.NaN;

  constructor(handle: FileHandle, pages: number) {
    this.#handle = handle;
    this.#pages = pages;
  }

  async follow(meta: Buffer): Promise<void> {
    for (const at of TREES_AT) {
      const depth = meta.readUInt16LE(at + 6);
      const root = meta.readBigUInt64LE(at + 40);
      if (root === NO_PAGE) continue;
      if (depth < 1 || depth > DEPTH_MAX) throw new Damage(`its tree is ${depth} levels deep`);
      await this.#visit(Number(root), depth);
    }
  }

  async #visit(pageNumber: number, levels: number): Promise<void> {
    const page = await this.#read(pageNumber);
    const flags = page.readUInt16LE(18);
    const expected = levels === 1 ? LEAF : BRANCH;
    if (flags !== expected) {
      throw new Damage(`page ${pageNumber} is of kind ${flags} instead of ${expected}`);
    }
    const children: number[] = [];
    for (const node of nodesOf(page, pageNumber)) {
      if (expected === BRANCH) {
        children.push(page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32);
      } else {
        const overflow = overflowOf(page, node, pageNumber);
        if (overflow !== undefined) children.push(overflow);
      }
    }
    for (const child of children) {
      if (expected === BRANCH) await this.#visit(child, levels - 1);
      else await this.#checkOverflow(child);
    }
  }

  async #checkOverflow(pageNumber: number): Promise<void> {
    const page = await this.#read(pageNumber);
    const count = page.readUInt32LE(20);
    if ((page.readUInt16LE(18) & OVERFLOW) === 0 || count < 1) {
      throw new Damage(`page ${pageNumber} should begin a long value and does not`);
    }
    if (pageNumber + count > this.#pages) {
      throw new Damage(`a value at page ${pageNumber} ends beyond the end of the file`);
    }
  }

  async #read(pageNumber: number): Promise<Buffer> {
    if (pageNumber < 2 || pageNumber >= this.#pages) {
      throw new Damage(`page ${pageNumber} is outside of the file's ${this.#pages} pages`);
    }
    if (this.#seen.has(pageNumber)) throw new Damage(`page ${pageNumber} is used twice`);
    this.#seen.add(pageNumber);
    const inChunk = pageNumber % CHUNK_PAGES;
    if (this.#chunkFrom !== pageNumber - inChunk) {
      this.#chunkFrom = pageNumber - inChunk;
      const { length } = this.#chunk;
      await this.#handle.read(this.#chunk, 0, length, this.#chunkFrom * PAGE_BYTES);
    }
    const page = this.#chunk.subarray(inChunk * PAGE_BYTES, (inChunk + 1) * PAGE_BYTES);
    if (page.readBigUInt64LE(0) !== BigInt(pageNumber)) {
      throw new Damage(`page ${pageNumber} is overwritten`);
    }
    return page;
  }
}

/** Positions of a page's nodes, each checked to lie within the page. */
function nodesOf(page: Buffer, pageNumber: number): number[] {
  const room = PAGE_BYTES - PAGE_HEADER_BYTES;
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  if (lower > upper || upper > room) throw new Damage(`page ${pageNumber} is overwritten`);
  const nodes: number[] = [];
  for (let at = 0; at + 2 <= lower; at += 2) {
    const node = page.readUInt16LE(PAGE_HEADER_BYTES + at);
    if (node < upper || node + NODE_HEADER_BYTES > room) {
      throw new Damage(`page ${pageNumber} has an entry outside of itself`);
    }
    const position = PAGE_HEADER_BYTES + node;
    const keyBytes = page.readUInt16LE(position + 6);
    if (position + NODE_HEADER_BYTES + keyBytes > PAGE_BYTES) {
      throw new Damage(`page ${pageNumber} has a key that leaves it`);
    }
    nodes.push(position);
  }
  return nodes;
}

/** Where a leaf's node keeps its value on pages of its own: their first one. */
function overflowOf(page: Buffer, node: number, pageNumber: number): number | undefined {
  const dataAt = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
  const big = (page.readUInt16LE(node + 4) & BIG_DATA) !== 0;
  const dataBytes = big ? OVERFLOW_REFERENCE_BYTES : page.readUInt32LE(node);
  if (dataAt + dataBytes > PAGE_BYTES) {
    throw new Damage(`page ${pageNumber} has a value that leaves it`);
  }
  return big ? Number(page.readBigUInt64LE(dataAt)) : undefined;
}
