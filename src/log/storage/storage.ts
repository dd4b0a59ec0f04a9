/**
 * What the log asks of whatever keeps its bytes. Two implementations stand beside this file: LMDB
 * environments on a disk, and memory; one acceptance suite holds both to what is said here.
 *
 * A storage is a row of segments, numbered upwards, and a few named maps. The log above it decides
 * which segment takes appends, what an offset is and what may be removed.
 */
import type { AbortedTransaction, KeyValues } from "../contract.ts";
import type { SegmentHead } from "../segment-head.ts";
import type { StorageFailure } from "./storage-failure.ts";

export interface Storage {
  /** Whether the disk has failed for good: then nothing is written, and closing flushes nothing. */
  readonly failure: StorageFailure;
  /** Numbers of the segments that exist, ascending; an unfinished one may be among them. */
  segmentIds(): Promise<number[]>;
  /** Makes a new, empty segment whose existence survives a power cut. */
  createSegment(id: number): Promise<Segment>;
  /**
   * Opens a segment: `write` for the active one, `read` for a sealed one.
   * @throws SEGMENT_DAMAGED where its file cannot be trusted; STORAGE_BUSY where it may well be
   *   sound, but the process lacks what it takes to open it just now.
   */
  openSegment(id: number, mode: "read" | "write"): Promise<Segment>;
  /**
   * Makes a new, empty segment beside the row that is to take the place of the sealed segment `id`.
   * One at a time; what a crash leaves of it is gone at the next start.
   * @throws DISK_FULL; STORAGE_BUSY where the process lacks just now what it takes
   */
  prepareSegment(id: number): Promise<Segment>;
  /**
   * Closes the prepared segment and puts it in the place of the one that has its number, which must
   * be closed: in one step, so that a crash at any point leaves one of the two, whole. Resolves when
   * a power cut cannot bring the old one back.
   * @throws DISK_FULL, STORAGE_BUSY, with the old one in its place; STORAGE_FAILED
   */
  replaceSegment(prepared: Segment): Promise<void>;
  /** Closes a prepared segment that is not wanted any more, and removes it. */
  discardSegment(prepared: Segment): Promise<void>;
  /** Deletes a closed segment. */
  removeSegment(id: number): Promise<void>;
  /** Moves a closed segment out of the row for people to look at; answers its new name. */
  setAside(id: number): Promise<string>;
  /** Bytes that a segment takes on the disk now. */
  segmentBytes(id: number): Promise<number>;
  /** Bytes that the disk has left for us; Infinity where there is no disk. */
  freeBytes(): Promise<number>;
  keyValues(name: string): KeyValues;
  /** Closes the maps and gives up the lock; segments are closed by whoever opened them. */
  close(): Promise<void>;
}

export interface Segment {
  readonly id: number;

  /**
   * Writes all of it in one transaction and flushes. Resolves when it is on disk. One after another.
   * @throws DISK_FULL, with nothing of it kept; STORAGE_FAILED where nobody knows what is kept:
   *   then the storage has failed for good, and the next start finds all of it, or nothing
   */
  commit(writes: SegmentWrites): Promise<void>;

  /** Heads by partition id; undefined for a segment that no commit ever reached. */
  heads(): ReadonlyMap<number, SegmentHead> | undefined;
  /** The small state as of the last commit, in order of key; with `after`, behind that key. */
  states(after?: string): Iterable<readonly [key: string, value: Buffer]>;

  /**
   * Batches of a partition in order of offset, from the one that holds `from` (the last whose base
   * offset is not above it, else the first), as long as `visit` answers true. Synchronous: no read
   * transaction outlives the call. A batch's bytes are good only until `visit` returns, and until it
   * asks the segment for something else: what is to be kept of them is copied. They may be damaged,
   * so the offset that they are stored under comes with them.
   */
  scan(partitionId: number, from: number, visit: VisitBatch): void;

  /**
   * Of the aborted transactions of a producer that this segment was given, the first whose marker
   * stands at or after `from`.
   */
  nextAborted(
    partitionId: number,
    producerId: bigint,
    from: number,
  ): AbortedTransaction | undefined;

  /** All aborted transactions that this segment was given, in order of key, behind `after`. */
  allAborted(after?: AbortedEntry): Iterable<AbortedEntry>;

  /** Bytes that the segment takes on the disk. */
  bytesOnDisk(): number;
  close(): Promise<void>;
}

/** Answers whether to go on. */
export type VisitBatch = (batch: Buffer, baseOffset: number) => boolean;

export interface SegmentWrites {
  /** Batches with their offsets assigned. */
  readonly batches: readonly SegmentBatch[];
  readonly heads: Iterable<readonly [partitionId: number, head: SegmentHead]>;
  readonly states: Iterable<readonly [key: string, value: Uint8Array | undefined]>;
  readonly aborted: readonly AbortedEntry[];
  /** Made by the thread that asks for it, where a storage has others: it does nothing else meanwhile. */
  readonly here?: boolean;
}

export interface SegmentBatch {
  readonly partitionId: number;
  readonly batch: Buffer;
  /** Where it is known better than by the batch, which may be damaged. */
  readonly baseOffset?: number;
}

/** An aborted transaction, whose records and marker stand in the segment that it is given to. */
export interface AbortedEntry extends AbortedTransaction {
  readonly partitionId: number;
}
