/**
 * Reads of the log by offset (`time-search.ts` searches by time). Every read is a short synchronous
 * slice of one segment at a time; between slices the event loop runs, and no read transaction is held.
 */
import { TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import { batchDamage, headerDamage, isTransactional, nextOffset } from "../wire/record-batch.ts";
import { damageAt } from "./batch-damage.ts";
import { CompactedHoles } from "./compaction/compacted-holes.ts";
import type {
  AbortedTransaction,
  BatchRoom,
  LogSlice,
  OffsetRange,
  ReadOptions,
  TimedOffset,
} from "./contract.ts";
import type { LogPartition } from "./partition.ts";
import type { SegmentRow } from "./segment-row.ts";
import { TimeSearch } from "./time-search.ts";
import { abortedIn, inOrder } from "./transactions/aborted-in.ts";

/** Transactional batches in one slice of committed ones: each may ask the index once. */
const TRANSACTIONAL_BATCHES_MAX = 1000;

const OWN_MEMORY: BatchRoom = {
  keep: (batch) => {
    const kept = Buffer.allocUnsafeSlow(batch.length);
    batch.copy(kept);
    return kept;
  },
};

export class LogReader {
  readonly #row: SegmentRow;
  readonly #logger: Logger;
  readonly #times: TimeSearch;
  readonly #reportedDamage = new Set<string>();

  constructor(row: SegmentRow, logger: Logger) {
    this.#row = row;
    this.#times = new TimeSearch(row);
    this.#logger = logger;
  }

  async read(
    partition: LogPartition,
    from: Offset,
    bytesMax: number,
    { isolation, room = OWN_MEMORY }: ReadOptions,
  ): Promise<LogSlice> {
    checkRange(partition, from);
    const committed = isolation === "committed";
    const check = room === OWN_MEMORY ? batchDamage : headerDamage;
    const batches: Buffer[] = [];
    const aborted: AbortedTransaction[] = [];
    const compacted: OffsetRange[] = [];
    // It may rise meanwhile; what this read was asked for lies below it as it is now.
    const end = committed ? partition.lastStableOffset : partition.highWatermark;
    let bytes = 0;
    let next = from;
    let full = false;
    let gone = false;
    while (!full && !gone && next < end) {
      const place = this.#row.locate(partition.id, next);
      if (place === undefined) break;
      let holes: CompactedHoles | undefined;
      const { replacements } = this.#row;
      const scanned = await this.#row.withSegment(place.id, (segment) => {
        // What is known of aborted transactions goes when the log start passes them.
        gone = next < partition.logStartOffset;
        if (gone) return false;
        // What the head says is of a segment that has given way to another one meanwhile.
        if (this.#row.replacements !== replacements) return false;
        const transactional: Buffer[] = [];
        holes = new CompactedHoles(place.head, next);
        segment.scan(partition.id, next, (batch, base) => {
          if (base >= end) return false;
          const damage = damageAt(batch, base, check);
          if (damage !== undefined) {
            this.#report(partition, place.id, base, damage);
            holes?.lostAt(base);
            return true;
          }
          if (nextOffset(batch) <= next) return true;
          full = bytes > 0 && bytes + batch.length > bytesMax;
          if (full) return false;
          const kept = room.keep(batch);
          full = kept === undefined;
          if (kept === undefined) return false;
          holes?.passTo(base);
          next = nextOffset(kept);
          holes?.resumeAt(next);
          batches.push(kept);
          bytes += kept.length;
          if (committed && isTransactional(kept)) transactional.push(kept);
          full = bytes >= bytesMax || transactional.length === TRANSACTIONAL_BATCHES_MAX;
          return !full;
        });
        if (transactional.length > 0) aborted.push(...abortedIn(transactional, partition, segment));
        return true;
      });
      // Where the segment had no more, go on after it: what it should have held is lost.
      const segmentEnd = Math.min(place.head.nextOffset, end) as Offset;
      if (scanned === true && !full && segmentEnd > next) {
        holes?.passTo(segmentEnd);
        next = segmentEnd;
      }
      if (holes !== undefined) compacted.push(...holes.found);
    }
    if (gone && batches.length === 0) checkRange(partition, from);
    return { batches, bytes, nextOffset: next, aborted: inOrder(aborted), compacted };
  }

  async offsetForTime(
    partition: LogPartition,
    timestampMs: number,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    return await this.#times.offsetForTime(partition, timestampMs, signal);
  }

  async offsetOfMaxTimestamp(
    partition: LogPartition,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    return await this.#times.offsetOfMaxTimestamp(partition, signal);
  }

  #report(partition: LogPartition, segmentId: number, offset: number, damage: string): void {
    const where = `${partition.id}@${offset}`;
    if (this.#reportedDamage.has(where)) return;
    this.#reportedDamage.add(where);
    this.#logger.error(
      { topic: partition.topic, partition: partition.index, offset, segment: segmentId, damage },
      "a batch is damaged on disk: its records are skipped",
    );
  }
}

function checkRange(partition: LogPartition, from: Offset): void {
  if (from >= partition.logStartOffset && from <= partition.highWatermark) return;
  throw new TributaryError(
    "OFFSET_OUT_OF_RANGE",
    `Offset ${from} of ${partition.topic}/${partition.index} is not between ` +
      `${partition.logStartOffset} and ${partition.highWatermark}.`,
  );
}
