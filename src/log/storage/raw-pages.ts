/**
 * The pages of an LMDB file as bytes, for looking at them before LMDB maps them: it trusts what it
 * maps, and nothing here believes any number of theirs.
 *
 * LMDB's file format (lmdb-js's fork, data version 2, 64 bits, little endian), as far as needed:
 *
 *     page     page number u64 | transaction u64 | pad u16 | flags u16 | lower u16, upper u16
 *              (an overflow page: count u32 instead) | node positions u16, from byte 24 on
 *     node     low u16 | high u16 | flags u16 | key length u16 | key | data
 *              (a branch: 48 bits of page number; a leaf: length of the data u32)
 *     meta     magic u32, version u32, ... two trees of 48 bytes at 24 (free pages) and 72 (keys), last
 *              page u64 at 120, transaction u64 at 128; in pages 0 and 1 at byte 24. The last flushed
 *              one stands again in the middle of page 0, without magic.
 *     tree     ... depth u16 at 6, ... root u64 at 40
 */
import type { FileHandle } from "node:fs/promises";

export const PAGE_BYTES = 4096;
const PAGE_HEADER_BYTES = 24;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const NODE_HEADER_BYTES = 8;
const OVERFLOW_REFERENCE_BYTES = 24;
const FREE_TREE_AT = 24;
const KEY_TREE_AT = 72;
export const TREES_AT = [FREE_TREE_AT, KEY_TREE_AT] as const;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const DEPTH_MAX = 32;
/** Read at once: pages that follow each other in a tree mostly do so in the file. */
const CHUNK_PAGES = 64;

/** What is wrong with a file, in words that go on from its name. */
export class Damage extends Error {}

export class RawPages {
  readonly #handle: FileHandle;
  /** How many the file has. */
  readonly #count: number;
  readonly #chunk = Buffer.alloc(CHUNK_PAGES * PAGE_BYTES);
  #chunkFrom = Number.NaN;

  constructor(handle: FileHandle, fileBytes: number) {
    this.#handle = handle;
    this.#count = Math.floor(fileBytes / PAGE_BYTES);
  }

  /** One page's bytes, good until the next one is read. @throws Damage */
  async read(pageNumber: number): Promise<Buffer> {
    if (pageNumber < 2 || pageNumber >= this.#count) {
      throw new Damage(`page ${pageNumber} is outside of the file's ${this.#count} pages`);
    }
    const inChunk = pageNumber % CHUNK_PAGES;
    if (this.#chunkFrom !== pageNumber - inChunk) {
      await this.#readChunk(pageNumber - inChunk, pageNumber);
    }
    const page = this.#chunk.subarray(inChunk * PAGE_BYTES, (inChunk + 1) * PAGE_BYTES);
    if (page.readBigUInt64LE(0) !== BigInt(pageNumber)) {
      throw new Damage(`page ${pageNumber} is overwritten`);
    }
    return page;
  }

  /** Where one page of a chunk cannot be read, that is no reason to do without another. */
  async #readChunk(from: number, wanted: number): Promise<void> {
    try {
      await this.#handle.read(this.#chunk, 0, this.#chunk.length, from * PAGE_BYTES);
      this.#chunkFrom = from;
    } catch {
      this.#chunkFrom = Number.NaN;
      const at = (wanted - from) * PAGE_BYTES;
      await this.#handle.read(this.#chunk, at, PAGE_BYTES, wanted * PAGE_BYTES);
    }
  }

  /** A page of a tree, of a kind that fits its level: 1 is a leaf. @throws Damage */
  async readNode(pageNumber: number, level: number): Promise<Buffer> {
    const page = await this.read(pageNumber);
    const kind = page.readUInt16LE(18);
    const expected = level === 1 ? LEAF : BRANCH;
    if (kind !== expected) {
      throw new Damage(`page ${pageNumber} is of kind ${kind} instead of ${expected}`);
    }
    return page;
  }

  /** How many pages the long value takes that begins at `pageNumber`. @throws Damage */
  async overflowPages(pageNumber: number): Promise<number> {
    const page = await this.read(pageNumber);
    const count = page.readUInt32LE(20);
    if ((page.readUInt16LE(18) & OVERFLOW) === 0 || count < 1) {
      throw new Damage(`page ${pageNumber} should begin a long value and does not`);
    }
    if (pageNumber + count > this.#count) {
      throw new Damage(`a value at page ${pageNumber} ends beyond the end of the file`);
    }
    return count;
  }

  /** The first `bytes` of that value. @throws Damage */
  async overflow(pageNumber: number, bytes: number): Promise<Buffer> {
    const count = await this.overflowPages(pageNumber);
    if (PAGE_HEADER_BYTES + bytes > count * PAGE_BYTES) {
      throw new Damage(`a value at page ${pageNumber} is longer than its pages`);
    }
    const value = Buffer.allocUnsafeSlow(bytes);
    await this.#handle.read(value, 0, bytes, pageNumber * PAGE_BYTES + PAGE_HEADER_BYTES);
    return value;
  }
}

/** The root of one of a snapshot's trees, and its depth; undefined where it is empty. @throws Damage */
export function treeOf(meta: Buffer, at: (typeof TREES_AT)[number]) {
  const depth = meta.readUInt16LE(at + 6);
  const root = meta.readBigUInt64LE(at + 40);
  if (root === NO_PAGE) return undefined;
  if (depth < 1 || depth > DEPTH_MAX) throw new Damage(`its tree is ${depth} levels deep`);
  return { root: Number(root), depth };
}

/** Positions of a page's nodes, each checked to lie within the page. @throws Damage */
export function nodesOf(page: Buffer): number[] {
  const room = PAGE_BYTES - PAGE_HEADER_BYTES;
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  if (lower > upper || upper > room) throw new Damage(`page ${numberOf(page)} is overwritten`);
  const nodes: number[] = [];
  for (let at = 0; at + 2 <= lower; at += 2) {
    const node = page.readUInt16LE(PAGE_HEADER_BYTES + at);
    if (node < upper || node + NODE_HEADER_BYTES > room) {
      throw new Damage(`page ${numberOf(page)} has an entry outside of itself`);
    }
    const position = PAGE_HEADER_BYTES + node;
    const keyBytes = page.readUInt16LE(position + 6);
    if (position + NODE_HEADER_BYTES + keyBytes > PAGE_BYTES) {
      throw new Damage(`page ${numberOf(page)} has a key that leaves it`);
    }
    nodes.push(position);
  }
  return nodes;
}

/** The page that a branch's node leads to. */
export function childOf(page: Buffer, node: number): number {
  return page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32;
}

/** Where a leaf's node keeps its value on pages of its own: their first one. @throws Damage */
export function overflowOf(page: Buffer, node: number): number | undefined {
  const dataAt = dataPosition(page, node);
  const big = (page.readUInt16LE(node + 4) & BIG_DATA) !== 0;
  const dataBytes = big ? OVERFLOW_REFERENCE_BYTES : page.readUInt32LE(node);
  if (dataAt + dataBytes > PAGE_BYTES) {
    throw new Damage(`page ${numberOf(page)} has a value that leaves it`);
  }
  return big ? Number(page.readBigUInt64LE(dataAt)) : undefined;
}

/**
 * The value of a key in the snapshot that `meta` tells of, or undefined where it has none.
 * @param bytesMax A longer one is damage as well.
 * @throws Damage
 */
export async function rawValue(
  pages: RawPages,
  meta: Buffer,
  key: Buffer,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const tree = treeOf(meta, KEY_TREE_AT);
  if (tree === undefined) return undefined;
  let page = await pages.readNode(tree.root, tree.depth);
  for (let level = tree.depth; level > 1; level -= 1) {
    // The first node of a branch stands for all that is smaller: its own key is empty.
    const [first, ...others] = nodesOf(page);
    const next = others.findLast((node) => keyOf(page, node).compare(key) <= 0) ?? first;
    if (next === undefined) throw new Damage(`page ${numberOf(page)} is an empty branch`);
    page = await pages.readNode(childOf(page, next), level - 1);
  }
  const node = nodesOf(page).find((each) => keyOf(page, each).equals(key));
  if (node === undefined) return undefined;
  const bytes = page.readUInt32LE(node);
  if (bytes > bytesMax) throw new Damage(`a value on page ${numberOf(page)} has ${bytes} bytes`);
  const overflow = overflowOf(page, node);
  if (overflow !== undefined) return await pages.overflow(overflow, bytes);
  const dataAt = dataPosition(page, node);
  return Buffer.from(page.subarray(dataAt, dataAt + bytes));
}

function keyOf(page: Buffer, node: number): Buffer {
  const from = node + NODE_HEADER_BYTES;
  return page.subarray(from, from + page.readUInt16LE(node + 6));
}

function dataPosition(page: Buffer, node: number): number {
  return node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
}

function numberOf(page: Buffer): bigint {
  return page.readBigUInt64LE(0);
}
