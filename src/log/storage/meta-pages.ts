/**
 * LMDB's notes of its snapshots, in the first two pages of each file (layout: raw-pages.ts).
 * Pages 0 and 1 take turns at the newest snapshot; the mark in the middle of page 0 is the last
 * flushed one, to which LMDB goes back when it opens the file (`safeRestore`).
 */
import { closeSync, fdatasync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";

/** Where a meta begins in its page, behind the page's header. */
export const META_AT = 24;
export const META_BYTES = 144;
const PAGE_SIZE_AT = META_AT + 24;
const LAST_PAGE_AT = 120;
const TRANSACTION_AT = 128;
const HEAD_BYTES = PAGE_SIZE_AT + 4;
/** Where magic, version and an address end, which the mark does without. */
const MARKED_FROM = 16;
const FREE_TREE_FLAGS_AT = 28;
const NOT_FLUSHED = 0x1000;

const datasync = promisify(fdatasync);

export function transactionOf(meta: Buffer): bigint {
  return meta.readBigUInt64LE(TRANSACTION_AT);
}

/** What a file's meta pages say. */
export interface Settled {
  /** The snapshot that LMDB goes back to; 0: none was ever flushed. */
  readonly flushed: bigint;
  /** The meta of the newest snapshot, where that is another one. */
  readonly newer: Buffer | undefined;
}

/**
 * Makes the meta pages durable as they are read now, before LMDB builds on them: where the last
 * write of the mark failed, the page cache has one that the disk has not. Undefined for a file that
 * is not there or has no meta pages.
 *
 * `marks` says when a mark is on the disk: `with` the flush that it tells of, or at the latest with
 * the `next` one. Then the mark may be one behind: a commit begins when the one before it has been
 * flushed, so the snapshot before the newest was, and is marked here.
 */
export async function settleMetaPages(
  path: string,
  marks: "with" | "next",
): Promise<Settled | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    const pageBytes = head.readUInt32LE(PAGE_SIZE_AT);
    const { size } = await file.stat();
    if (pageBytes === 0 || size < 2 * pageBytes) return undefined;
    const pages = Buffer.alloc(2 * pageBytes);
    await file.read(pages, 0, pages.length, 0);
    const meta = (at: number) => pages.subarray(at + META_AT, at + META_AT + META_BYTES);
    const [older, newest] = inOrder(meta(0), meta(pageBytes));
    const mark = meta(pageBytes / 2);
    if (marks === "next" && transactionOf(mark) > 0n) matchMark(mark, older, newest);
    await file.write(pages, 0, pages.length, 0);
    await file.datasync();
    const flushed = transactionOf(mark);
    return { flushed, newer: transactionOf(newest) > flushed ? newest : undefined };
  } finally {
    await file.close();
  }
}

/** Has the mark and the page of the older snapshot agree, which then is the one to go back to. */
function matchMark(mark: Buffer, older: Buffer, newest: Buffer): void {
  const behind = transactionOf(older) - transactionOf(mark);
  if (behind === 1n && transactionOf(newest) - transactionOf(older) === 1n) {
    older.copy(mark, MARKED_FROM, MARKED_FROM);
    mark.writeUInt16LE(mark.readUInt16LE(FREE_TREE_FLAGS_AT) & ~NOT_FLUSHED, FREE_TREE_FLAGS_AT);
  }
  // LMDB takes the page's word then, in which a failed write may have left another one's trees.
  if (behind === 0n) mark.copy(older, MARKED_FROM, MARKED_FROM);
}

/** Two metas, the one of the older snapshot first. */
export function inOrder(one: Buffer, other: Buffer): readonly [older: Buffer, newest: Buffer] {
  return transactionOf(one) >= transactionOf(other) ? [other, one] : [one, other];
}

export interface MarkedSnapshot {
  readonly transaction: number;
  /** The file's last page that is in use. */
  readonly lastPage: number;
}

/**
 * The mark of one environment, as it stood when the last commit had resolved and none had failed.
 * A transaction that is flushed after one whose flush failed moves the mark past both; then it is
 * put back.
 */
export class FlushedMark {
  readonly #file: number;
  readonly #at: number;
  #kept = Buffer.alloc(META_BYTES);
  #found = Buffer.alloc(META_BYTES);

  constructor(path: string) {
    this.#file = openSync(path, "r+");
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(this.#file, head, 0, HEAD_BYTES, 0);
    this.#at = head.readUInt32LE(PAGE_SIZE_AT) / 2 + META_AT;
    this.look();
    this.keep();
  }

  /** Reads what it tells of now. */
  look(): MarkedSnapshot {
    const found = this.#found;
    readSync(this.#file, found, 0, META_BYTES, this.#at);
    return {
      transaction: Number(transactionOf(found)),
      lastPage: Number(found.readBigUInt64LE(LAST_PAGE_AT)),
    };
  }

  /** All that was flushed up to the last look is good. */
  keep(): void {
    const found = this.#found;
    this.#found = this.#kept;
    this.#kept = found;
  }

  /** Resolves when the mark is on the disk as LMDB has written it. */
  async flush(): Promise<void> {
    await datasync(this.#file);
  }

  /** Call it when no commit is on its way any more. */
  putBack(): void {
    this.look();
    if (this.#found.equals(this.#kept)) return;
    writeSync(this.#file, this.#kept, 0, META_BYTES, this.#at);
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
