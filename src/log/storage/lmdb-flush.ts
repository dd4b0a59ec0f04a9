/**
 * The commits of one LMDB environment, each of which ends flushed, refused or in a failed storage.
 * lmdb-js commits and flushes separately: a resolved write is visible, not durable.
 */
import { type RootDatabase, TransactionFlags } from "lmdb";
import { assert, messageOf, TributaryError } from "../../base/errors.ts";
import { FlushedMark } from "./meta-pages.ts";
import type { StorageFailure } from "./storage-failure.ts";

/** What lmdb answers for a write: resolved when committed, with the flush beside it. */
type Commit = Promise<boolean> & { readonly flushed?: Promise<unknown> };

const HEAP_BYTES = 104;
const REFUSED_LOOK_MS = 1000;
/**
 * The commit is made before the call returns. With overlappingSync, which is lmdb-js's default, the
 * second flag selects a batch's order: pages and meta page are written, flushed, and marked as
 * flushed. Without it LMDB flushes before the meta page, and leaves no mark.
 */
const AS_BATCHES_ARE = (TransactionFlags.SYNCHRONOUS_COMMIT |
  TransactionFlags.NO_SYNC_FLUSH) as unknown as TransactionFlags;
const DISK_IS_FULL = /no space left|MDB_MAP_FULL|disk quota/i;

export class FlushedCommits {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #failure: StorageFailure;
  readonly #mark: FlushedMark;
  readonly #running = new Set<Promise<unknown>>();
  #newest = 0;
  #lastPage = 0;
  #broken = false;

  /** For an environment that has just been opened, before anything is written to it. */
  constructor(root: RootDatabase<Buffer, Buffer>, path: string, failure: StorageFailure) {
    this.#root = root;
    this.#failure = failure;
    this.#mark = new FlushedMark(path);
    this.look();
  }

  /** Notes the newest snapshot; call it also where something else has made one. */
  look(): void {
    const { lastTxnId, lastPageNumber } = statsOf(this.#root);
    this.#newest = lastTxnId;
    this.#lastPage = lastPageNumber;
  }

  /** The number of the newest snapshot, as of the last commit. */
  get newest(): number {
    return this.#newest;
  }

  /** The number of the file's last page that is in use, as of the last commit. */
  get lastPage(): number {
    return this.#lastPage;
  }

  /**
   * Commits what `put` puts, in one transaction; resolves when it is flushed.
   * @throws DISK_FULL, with nothing of it kept; STORAGE_FAILED, which is for good
   */
  async run(put: () => void): Promise<void> {
    this.#failure.check();
    const commit = this.#root.batch(put) as Commit;
    this.#begin();
    const settled = this.#unlessRefused(untilFlushed(commit));
    this.#running.add(settled);
    try {
      await settled;
    } catch (error) {
      throw this.failed(await causeOf(error));
    } finally {
      this.#running.delete(settled);
    }
    this.#noteFlushed();
  }

  /**
   * As `run`, on this thread and by the time it returns. Not beside another one of this environment:
   * lmdb-js would wait for that one's lock.
   */
  runHere(put: () => void): void {
    this.#failure.check();
    assert(this.#running.size === 0, "an environment's commits come one after another");
    try {
      this.#root.transactionSync(put, AS_BATCHES_ARE);
    } catch (error) {
      throw this.failed(error);
    }
    this.#noteFlushed();
  }

  #noteFlushed(): void {
    // Flushed, but upon something that was not.
    this.#failure.check();
    try {
      this.#lookAtMark();
    } catch (error) {
      throw this.failed(error);
    }
    this.#mark.keep();
  }

  /**
   * After an error of its own LMDB begins no transaction any more (MDB_PANIC), and lmdb-js does not
   * settle one that did not begin: whoever takes long is asked after. A write of the mark is such an
   * error, and may show in no other way: LMDB writes over it what it should have been.
   */
  #unlessRefused(commit: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        try {
          this.#root.resetReadTxn();
          statsOf(this.#root);
        } catch (error) {
          clearInterval(timer);
          reject(error);
        }
      }, REFUSED_LOOK_MS);
      commit.finally(() => clearInterval(timer)).then(resolve, reject);
    });
  }

  /** Where the mark does not tell of this commit, LMDB says what it has, or why it has it not. */
  #lookAtMark(): void {
    const { transaction, lastPage } = this.#mark.look();
    if (transaction !== this.#newest + 1) {
      this.look();
      assert(transaction === this.#newest, "LMDB marks what it has flushed");
      return;
    }
    this.#newest = transaction;
    this.#lastPage = lastPage;
  }

  /**
   * Has LMDB's thread begin with what was just put, beside this turn of the event loop. A batch is one
   * write to lmdb-js, which begins in the next turn or, with a `txnStartThreshold` of 1, at the second
   * write: an empty batch, in the same transaction.
   */
  #begin(): void {
    void this.#root.batch(() => {});
  }

  /** For an environment whose marks are not flushed by LMDB: resolves when the last one is. */
  async flushMark(): Promise<void> {
    try {
      await this.#mark.flush();
    } catch (error) {
      this.#broken = true;
      throw this.#failure.trip(error);
    }
  }

  /** What a failed commit means. */
  failed(cause: unknown): TributaryError {
    // Refused before it became a snapshot: LMDB has undone it. A full disk may also fail the flush.
    if (isFullDisk(cause) && this.#isUnmoved() && !overranHeap(cause)) return diskFull(cause);
    this.#broken = true;
    return this.#failure.trip(cause);
  }

  /** False also where LMDB says nothing more, as after a meta page that it could not write. */
  #isUnmoved(): boolean {
    try {
      this.#root.resetReadTxn();
      return statsOf(this.#root).lastTxnId === this.#newest;
    } catch {
      return false;
    }
  }

  /**
   * Instead of closing the environment, when the storage has failed: takes back what LMDB flushed
   * upon a snapshot whose flush failed.
   */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#running);
    if (this.#broken) this.#mark.putBack();
  }

  close(): void {
    this.#mark.close();
  }
}

export function isFullDisk(cause: unknown): boolean {
  return DISK_IS_FULL.test(messageOf(cause));
}

export function diskFull(cause: unknown): TributaryError {
  return new TributaryError(
    "DISK_FULL",
    `The disk is full (${messageOf(cause)}): free some space, or lower --log-disk-budget-bytes.`,
    { cause },
  );
}

/**
 * lmdb 3.5.6 words a failed write into 100 bytes of its heap (mdb_page_flush), whether it fits or
 * not; the C library gives 104. Where it did not fit, this process must write nothing any more.
 */
function overranHeap(cause: unknown): boolean {
  const text = /Attempting to write page.*/.exec(messageOf(cause))?.[0] ?? "";
  return text.length >= HEAP_BYTES;
}

async function untilFlushed(commit: Commit): Promise<void> {
  await commit;
  await commit.flushed;
}

/** lmdb rejects with a general error that holds a promise, rejected with the real one. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  return await Promise.resolve(commitError).then(
    () => error,
    (real: unknown) => real,
  );
}

interface Stats {
  readonly lastTxnId: number;
  readonly lastPageNumber: number;
}

/** Of the newest snapshot, flushed or not. */
export function statsOf(root: RootDatabase<Buffer, Buffer>): Stats {
  const { lastTxnId, lastPageNumber } = root.getStats() as Partial<Stats>;
  assert(lastTxnId !== undefined && lastPageNumber !== undefined, "lmdb tells its last page");
  return { lastTxnId, lastPageNumber };
}
