/** One segment: an LMDB environment of its own, one file, one B-tree (see ../keys.ts). */
import type { RootDatabase } from "lmdb";
import { assert } from "../../base/errors.ts";
import { toOffset } from "../../base/offset.ts";
import { baseOffset } from "../../wire/record-batch.ts";
import type { AbortedTransaction } from "../contract.ts";
import {
  ABORTED_FROM,
  ABORTED_TO,
  abortedKey,
  BIRTH_KEY,
  baseOffsetOfBatchKey,
  batchKey,
  HEADS_FROM,
  HEADS_TO,
  headKey,
  lastOffsetOfAbortedKey,
  nameOfStateKey,
  partitionOfHeadKey,
  partsOfAbortedKey,
  REDO_KEY,
  STATES_FROM,
  STATES_TO,
  stateKey,
} from "../keys.ts";
import type { LogOptions } from "../options.ts";
import { decodeHead, encodeHead, type SegmentHead } from "../segment-head.ts";
import { openEnvironment } from "./lmdb-exit.ts";
import { FlushedCommits, statsOf } from "./lmdb-flush.ts";
import { PagesAhead } from "./pages-ahead.ts";
import { PAGE_BYTES } from "./raw-pages.ts";
import { REDO_BYTES_MAX } from "./redo.ts";
import { type Entry, encodeRedo, redoBytes } from "./redo-record.ts";
import type { AbortedEntry, Segment, SegmentBatch, SegmentWrites, VisitBatch } from "./storage.ts";
import type { StorageFailure } from "./storage-failure.ts";

/** Room in the map beyond a full segment and a full group: B-tree pages, small state. */
const MAP_SLACK_BYTES = 64 * 1024 * 1024;

/**
 * What lmdb-js reads, it copies out of the map into one buffer of its own, which stays in the
 * processor's cache, and then, for each value, into memory that it allocates. As a decoder we get to
 * see the former, and leave out the latter: a view of it is good until the next read.
 */
const VIEWS = {
  encode: (value: Buffer): Buffer => value,
  decode: ({ buffer, byteOffset }: Buffer, bytes: number): Buffer =>
    Buffer.from(buffer, byteOffset, bytes),
};

/**
 * `write`: each commit is durable when it resolves. `prepare`: the file is flushed as a whole before
 * anybody relies on it, and need not be found as it was after a crash.
 */
export type SegmentMode = "read" | "write" | "prepare";

export class LmdbSegment implements Segment {
  readonly id: number;
  readonly #mode: SegmentMode;
  readonly #database: RootDatabase<Buffer, Buffer>;
  /** Undefined in a segment that is only read. */
  readonly #commits: FlushedCommits | undefined;
  readonly #pages: PagesAhead;
  readonly #failure: StorageFailure;
  #bytesOnDisk: number;
  /** The first commit after each opening writes the birth key, so it is never an empty one. */
  #signed = false;
  #committing = false;
  #closed = false;

  static open(
    id: number,
    path: string,
    mode: SegmentMode,
    sizes: Pick<LogOptions, "segmentBytes" | "pendingBytesMax" | "stateBytesMax">,
    failure: StorageFailure,
  ): LmdbSegment {
    const mapBytes =
      sizes.segmentBytes + 2 * sizes.pendingBytesMax + 2 * sizes.stateBytesMax + MAP_SLACK_BYTES;
    const options = {
      path,
      noSubdir: true,
      maxDbs: 1,
      encoder: VIEWS,
      keyEncoding: "binary",
      cache: false,
      separateFlushed: true,
      eventTurnBatching: false,
      txnStartThreshold: 1,
      pageSize: PAGE_BYTES,
      safeRestore: true,
      // One flush a commit: the mark of the one before goes along with it (redo.ts).
      noMetaSync: true,
      readOnly: mode === "read",
      ...(mode === "read" ? {} : { mapSize: mapBytes }),
    };
    const database = openEnvironment(options);
    const commits = mode === "read" ? undefined : new FlushedCommits(database, path, failure);
    return new LmdbSegment(id, mode, database, commits, new PagesAhead(path), failure);
  }

  private constructor(
    id: number,
    mode: SegmentMode,
    database: RootDatabase<Buffer, Buffer>,
    commits: FlushedCommits | undefined,
    pages: PagesAhead,
    failure: StorageFailure,
  ) {
    this.id = id;
    this.#mode = mode;
    this.#database = database;
    this.#commits = commits;
    this.#pages = pages;
    this.#failure = failure;
    this.#bytesOnDisk = this.#measure();
  }

  async commit({ batches, heads, states, aborted, here }: SegmentWrites): Promise<void> {
    const entries: Entry[] = [];
    for (const [partitionId, head] of heads) entries.push([headKey(partitionId), encodeHead(head)]);
    for (const [key, value] of states) entries.push([stateKey(key), value]);
    for (const { partitionId, producerId, firstOffset, lastOffset } of aborted) {
      const key = abortedKey(partitionId, producerId, lastOffset);
      entries.push([key, encodeFirst(firstOffset)]);
    }
    await this.#commit(batches, entries, here);
  }

  /** Does a commit again that this segment was not left with: the first one after its opening. */
  async redo(entries: readonly Entry[]): Promise<void> {
    assert(!this.#signed, "a commit is done again before others");
    await this.#commit([], entries);
  }

  async #commit(
    batches: readonly SegmentBatch[],
    entries: readonly Entry[],
    here = false,
  ): Promise<void> {
    const commits = this.#commits;
    assert(commits !== undefined, `segment ${this.id} is only read`);
    assert(!this.#committing, "a segment's commits come one after another");
    this.#committing = true;
    try {
      let bytes = 0;
      for (const { batch } of batches) bytes += batch.length;
      this.#pages.look(bytes, this.#bytesOnDisk);
      const number = commits.newest + 1;
      const redo = this.#redoRecord(number, batches, entries);
      const put = (): void => this.#put(batches, entries, redo);
      if (here) commits.runHere(put);
      else await commits.run(put);
      assert(redo === undefined || commits.newest >= number, "a commit makes a snapshot");
      const isRedoable = redo !== undefined && commits.newest === number;
      if (!isRedoable && this.#mode === "write") await commits.flushMark();
      this.#signed = true;
      this.#bytesOnDisk = this.#measure();
    } finally {
      this.#committing = false;
    }
  }

  #put(
    batches: readonly SegmentBatch[],
    entries: readonly Entry[],
    redo: Buffer | undefined,
  ): void {
    const database = this.#database;
    if (!this.#signed) void database.put(BIRTH_KEY, Buffer.from(new Date().toISOString()));
    if (redo !== undefined) void database.put(REDO_KEY, redo);
    for (const [key, value] of entries) {
      if (value === undefined) void database.remove(key);
      else void database.put(key, Buffer.from(value));
    }
    for (const { partitionId, batch, baseOffset: known } of batches) {
      void database.put(batchKey(partitionId, known ?? baseOffset(batch)), batch);
    }
  }

  /** Undefined where the commit is to be marked on the disk instead: the first, and large ones. */
  #redoRecord(
    number: number,
    batches: readonly SegmentBatch[],
    entries: readonly Entry[],
  ): Buffer | undefined {
    if (this.#mode !== "write" || !this.#signed) return undefined;
    if (redoBytes(batches.length, entries) > REDO_BYTES_MAX) return undefined;
    return encodeRedo(BigInt(number), batches, entries);
  }

  heads(): ReadonlyMap<number, SegmentHead> | undefined {
    if (this.#database.getBinary(BIRTH_KEY) === undefined) return undefined;
    const heads = new Map<number, SegmentHead>();
    for (const { key, value } of this.#database.getRange({ start: HEADS_FROM, end: HEADS_TO })) {
      heads.set(partitionOfHeadKey(key), decodeHead(value));
    }
    return heads;
  }

  *states(after?: string): Iterable<readonly [string, Buffer]> {
    const start = after === undefined ? STATES_FROM : stateKey(after);
    for (const { key, value } of this.#database.getRange({ start, end: STATES_TO })) {
      const name = nameOfStateKey(key);
      if (name !== after) yield [name, Buffer.from(value)];
    }
  }

  scan(partitionId: number, from: number, visit: VisitBatch): void {
    const start = this.#floorKey(partitionId, from);
    const end = batchKey(partitionId + 1, 0);
    for (const { key, value } of this.#database.getRange({ start, end, snapshot: false })) {
      if (!visit(value, baseOffsetOfBatchKey(key))) return;
    }
  }

  nextAborted(
    partitionId: number,
    producerId: bigint,
    from: number,
  ): AbortedTransaction | undefined {
    const start = abortedKey(partitionId, producerId, from);
    const end = abortedKey(partitionId, producerId, Number.MAX_SAFE_INTEGER);
    const range = { start, end, limit: 1, snapshot: false };
    for (const { key, value } of this.#database.getRange(range)) {
      const firstOffset = toOffset(Number(value.readBigUInt64BE(0)));
      return { producerId, firstOffset, lastOffset: toOffset(lastOffsetOfAbortedKey(key)) };
    }
    return undefined;
  }

  *allAborted(after?: AbortedEntry): Iterable<AbortedEntry> {
    const start =
      after === undefined
        ? ABORTED_FROM
        : abortedKey(after.partitionId, after.producerId, after.lastOffset + 1);
    for (const { key, value } of this.#database.getRange({ start, end: ABORTED_TO })) {
      const firstOffset = toOffset(Number(value.readBigUInt64BE(0)));
      yield { ...partsOfAbortedKey(key), firstOffset };
    }
  }

  bytesOnDisk(): number {
    return this.#bytesOnDisk;
  }

  /** LMDB flushes what it closes: after a failed flush it must not. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failure.error !== undefined) {
      this.#pages.close();
      await this.#commits?.abandon();
      return;
    }
    await this.#database.close();
    // Where that fails, the next start does the last commit again.
    if (this.#mode === "write" && this.#signed) await this.#commits?.flushMark().catch(() => {});
    this.#commits?.close();
    this.#pages.cut(this.#bytesOnDisk);
    this.#pages.close();
  }

  /** The key of the last batch that does not begin after `offset`, else where the first would be. */
  #floorKey(partitionId: number, offset: number): Buffer {
    const wanted = batchKey(partitionId, offset);
    for (const floor of this.#database.getKeys({ start: wanted, reverse: true, limit: 1 })) {
      if (floor.length === wanted.length && floor.readUInt32BE(0) === partitionId) return floor;
    }
    return wanted;
  }

  #measure(): number {
    const lastPage = this.#commits?.lastPage ?? statsOf(this.#database).lastPageNumber;
    return (lastPage + 1) * PAGE_BYTES;
  }
}

function encodeFirst(firstOffset: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(8);
  bytes.writeBigUInt64BE(BigInt(firstOffset), 0);
  return bytes;
}
