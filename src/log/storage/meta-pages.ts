/**
 * LMDB's notes of its snapshots, in the first two pages of each file (layout: segment-check.ts).
 * Pages 0 and 1 take turns at the newest snapshot; the mark in the middle of page 0 is the last
 * flushed one, to which LMDB goes back when it opens the file (`safeRestore`).
 */
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Where a meta begins in its page, behind the page's header. */
export const META_AT = 24;
export const META_BYTES = 144;
const PAGE_SIZE_AT = META_AT + 24;
const TRANSACTION_AT = 128;
const HEAD_BYTES = PAGE_SIZE_AT + 4;

export function transactionOf(meta: Buffer): bigint {
  return meta.readBigUInt64LE(TRANSACTION_AT);
}

/**
 * Makes the meta pages durable as they are read now, before LMDB builds on them: where the last
 * write of the mark failed, the page cache has one that the disk has not. Answers whether any
 * snapshot was ever flushed; true also for a file that is not there or has no meta pages.
 */
export async function settleMetaPages(path: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    const pageBytes = head.readUInt32LE(PAGE_SIZE_AT);
    const { size } = await file.stat();
    if (pageBytes === 0 || size < 2 * pageBytes) return true;
    const pages = Buffer.alloc(2 * pageBytes);
    await file.read(pages, 0, pages.length, 0);
    await file.write(pages, 0, pages.length, 0);
    await file.datasync();
    const markAt = pageBytes / 2 + META_AT;
    return transactionOf(pages.subarray(markAt, markAt + META_BYTES)) > 0n;
  } finally {
    await file.close();
  }
}

/**
 * The mark of one environment, as it stood when the last commit had resolved and none had failed.
 * A transaction that is flushed after one whose flush failed moves the mark past both; then it is
 * put back.
 */
export class FlushedMark {
  readonly #file: number;
  readonly #at: number;
  readonly #kept = Buffer.alloc(META_BYTES);
  readonly #found = Buffer.alloc(META_BYTES);

  constructor(path: string) {
    this.#file = openSync(path, "r+");
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(this.#file, head, 0, HEAD_BYTES, 0);
    this.#at = head.readUInt32LE(PAGE_SIZE_AT) / 2 + META_AT;
    this.keep();
  }

  /** All that was flushed so far is good. */
  keep(): void {
    readSync(this.#file, this.#kept, 0, META_BYTES, this.#at);
  }

  /** Call it when no commit is on its way any more. */
  putBack(): void {
    readSync(this.#file, this.#found, 0, META_BYTES, this.#at);
    if (this.#found.equals(this.#kept)) return;
    writeSync(this.#file, this.#kept, 0, META_BYTES, this.#at);
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
