/**
 * Looks at a segment's file before LMDB maps it, because LMDB trusts what it maps: a file that was
 * cut short or overwritten can take the whole process down. It follows the pages of the snapshot
 * that LMDB will open (layout: raw-pages.ts), and believes none of their numbers.
 */
import { open } from "node:fs/promises";
import { inOrder, META_AT, META_BYTES, transactionOf } from "./meta-pages.ts";
import {
  childOf,
  Damage,
  nodesOf,
  overflowOf,
  PAGE_BYTES,
  RawPages,
  TREES_AT,
  treeOf,
} from "./raw-pages.ts";

const META_MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const FLUSHED_META_AT = PAGE_BYTES / 2 + META_AT;

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
    const walk = new TreeWalk(new RawPages(handle, size));
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
  const [older, newest] = inOrder(first, second);
  if (mode === "read") return newest;
  return transactionOf(flushed) > 0n ? flushed : older;
}

function metaAt(metas: Buffer, at: number): Buffer {
  return metas.subarray(at, at + META_BYTES);
}

/** Every page of a snapshot, each of them once. */
class TreeWalk {
  readonly #pages: RawPages;
  readonly #seen = new Set<number>();

  constructor(pages: RawPages) {
    this.#pages = pages;
  }

  async follow(meta: Buffer): Promise<void> {
    for (const at of TREES_AT) {
      const tree = treeOf(meta, at);
      if (tree !== undefined) await this.#visit(tree.root, tree.depth);
    }
  }

  async #visit(pageNumber: number, level: number): Promise<void> {
    this.#see(pageNumber);
    const page = await this.#pages.readNode(pageNumber, level);
    const nodes = nodesOf(page);
    if (level > 1) {
      const children = nodes.map((node) => childOf(page, node));
      for (const child of children) await this.#visit(child, level - 1);
      return;
    }
    const overflows = nodes.map((node) => overflowOf(page, node));
    for (const overflow of overflows) {
      if (overflow === undefined) continue;
      this.#see(overflow);
      await this.#pages.overflowPages(overflow);
    }
  }

  #see(pageNumber: number): void {
    if (this.#seen.has(pageNumber)) throw new Damage(`page ${pageNumber} is used twice`);
    this.#seen.add(pageNumber);
  }
}
