/**
 * Reads of the log: by offset, and by time. Every read is a short synchronous slice of one segment
 * at a time; between slices the event loop runs, and no read transaction is held.
 */
import { TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import { inTheClear } from "../wire/in-the-clear.ts";
import {
  baseOffset,
  batchDamage,
  headerDamage,
  isTransactional,
  leaderEpoch,
  maxTimestampMs,
  nextOffset,
} from "../wire/record-batch.ts";
import { type DecodedRecord, records } from "../wire/records.ts";
import type {
  AbortedTransaction,
  BatchRoom,
  LogSlice,
  ReadOptions,
  TimedOffset,
} from "./contract.ts";
import type { LogPartition } from "./partition.ts";
import type { SegmentRow } from "./segment-row.ts";
import { abortedIn, inOrder } from "./transactions/aborted-in.ts";

/** What is looked at in one synchronous turn of a search by time, in batches and in their bytes. */
const SEARCH_BATCHES_PER_TURN = 2000;
const SEARCH_BYTES_PER_TURN = 4 * 1024 * 1024;
/** Records of one batch that are looked at in one turn. */
const RECORDS_PER_TURN = 2000;
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
  readonly #reportedDamage = new Set<string>();

  constructor(row: SegmentRow, logger: Logger) {
    this.#row = row;
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
    // It may rise meanwhile; what this read was asked for lies below it as it is now.
    const end = committed ? partition.lastStableOffset : partition.highWatermark;
    let bytes = 0;
    let next = from;
    let full = false;
    let gone = false;
    while (!full && !gone && next < end) {
      const place = this.#row.locate(partition.id, next);
      if (place === undefined) break;
      const scanned = await this.#row.withSegment(place.id, (segment) => {
        // What is known of aborted transactions goes when the log start passes them.
        gone = next < partition.logStartOffset;
        if (gone) return false;
        const transactional: Buffer[] = [];
        segment.scan(partition.id, next, (batch, base) => {
          if (base >= end) return false;
          const damage = damageAt(batch, base, check);
          if (damage !== undefined) {
            this.#report(partition, place.id, base, damage);
            return true;
          }
          if (nextOffset(batch) <= next) return true;
          full = bytes > 0 && bytes + batch.length > bytesMax;
          if (full) return false;
          const kept = room.keep(batch);
          full = kept === undefined;
          if (kept === undefined) return false;
          next = nextOffset(kept);
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
      if (scanned === true && !full && segmentEnd > next) next = segmentEnd;
    }
    if (gone && batches.length === 0) checkRange(partition, from);
    return { batches, bytes, nextOffset: next, aborted: inOrder(aborted) };
  }

  async offsetForTime(
    partition: LogPartition,
    timestampMs: number,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    for (const { id, head } of [...this.#row.headsOf(partition.id)]) {
      if (head.maxTimestampMs < timestampMs || head.nextOffset <= partition.logStartOffset)
        continue;
      const found = await this.#findTime(partition, id, timestampMs, signal);
      if (found !== undefined || signal?.aborted === true) return found;
    }
    return undefined;
  }

  async offsetOfMaxTimestamp(
    partition: LogPartition,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    let best: { id: number; newestMs: number } | undefined;
    for (const { id, head } of [...this.#row.headsOf(partition.id)]) {
      if (head.nextOffset <= partition.logStartOffset) continue;
      const isWhole = head.firstOffset >= partition.logStartOffset;
      // The newest may stand below the log start, where it was deleted.
      const newestMs = isWhole
        ? head.maxTimestampMs
        : await this.#newestAboveStart(partition, id, signal);
      if (best === undefined || newestMs > best.newestMs) best = { id, newestMs };
    }
    if (best === undefined) return undefined;
    return await this.#findTime(partition, best.id, best.newestMs, signal);
  }

  /** The first record of a segment at or after a time, above the log start. */
  async #findTime(
    partition: LogPartition,
    id: number,
    timestampMs: number,
    signal: AbortSignal | undefined,
  ): Promise<TimedOffset | undefined> {
    for (let after = -1; ; ) {
      const candidates: Buffer[] = [];
      const visit = (batch: Buffer, base: number) => {
        if (maxTimestampMs(batch) < timestampMs || damageAt(batch, base) !== undefined) return true;
        candidates.push(Buffer.from(batch));
        return false;
      };
      await this.#search(partition, id, signal, visit, after);
      const [batch] = candidates;
      if (batch === undefined) return undefined;
      const found = await firstRecordAt(batch, timestampMs, partition.logStartOffset);
      if (found !== undefined) return found;
      after = baseOffset(batch);
    }
  }

  async #newestAboveStart(
    partition: LogPartition,
    id: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let newestMs = -1;
    /** The one that the log start stands in. */
    const parted: Buffer[] = [];
    await this.#search(partition, id, signal, (batch, base) => {
      if (base >= partition.logStartOffset) newestMs = Math.max(newestMs, maxTimestampMs(batch));
      else if (damageAt(batch, base) === undefined) parted.push(Buffer.from(batch));
      return true;
    });
    for (const batch of parted) {
      newestMs = Math.max(newestMs, await newestRecordMs(batch, partition.logStartOffset));
    }
    return newestMs;
  }

  /**
   * Shows a segment's batches from the log start on, but none up to the one at `after`, as long as
   * `visit` answers true.
   */
  async #search(
    partition: LogPartition,
    id: number,
    signal: AbortSignal | undefined,
    visit: (batch: Buffer, base: number) => boolean,
    after = -1,
  ): Promise<void> {
    let last = after;
    let goesOn = true;
    while (goesOn && signal?.aborted !== true) {
      goesOn = false;
      let seen = 0;
      let bytes = 0;
      await this.#row.withSegment(id, (segment) => {
        const end = partition.highWatermark;
        const from = Math.max(partition.logStartOffset, last + 1);
        segment.scan(partition.id, from, (batch, base) => {
          if (base >= end) return false;
          // A scan begins with the batch that may hold `from`: the last one of the turn before.
          if (base <= last) return true;
          goesOn = seen === SEARCH_BATCHES_PER_TURN || bytes >= SEARCH_BYTES_PER_TURN;
          if (goesOn) return false;
          seen += 1;
          bytes += batch.length;
          last = base;
          return visit(batch, base);
        });
      });
      if (goesOn) await new Promise(setImmediate);
    }
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

/** What is wrong with a batch as it is stored. Its base offset lies outside of its CRC. */
function damageAt(batch: Buffer, base: number, check = batchDamage): string | undefined {
  const damage = check(batch);
  if (damage !== undefined) return damage;
  const own = batch.readBigInt64BE(0);
  return own === BigInt(base) ? undefined : `it says offset ${own} and is stored under ${base}`;
}

/** The first record of `batch` at or after a time, not below `start`. */
async function firstRecordAt(
  batch: Buffer,
  timestampMs: number,
  start: Offset,
): Promise<TimedOffset | undefined> {
  for await (const record of gently(batch)) {
    if (record.timestampMs >= timestampMs && record.offset >= start) {
      const { offset, timestampMs: ownMs } = record;
      return { offset, timestampMs: ownMs, leaderEpoch: leaderEpoch(batch) };
    }
  }
  return undefined;
}

/** The largest timestamp of the records of `batch` that are not below `start`; -1 = none. */
async function newestRecordMs(batch: Buffer, start: Offset): Promise<number> {
  let newestMs = -1;
  for await (const record of gently(batch)) {
    if (record.offset >= start) newestMs = Math.max(newestMs, record.timestampMs);
  }
  return newestMs;
}

/** A batch's records, however many there are: others have their turn in between. */
async function* gently(batch: Buffer): AsyncGenerator<DecodedRecord> {
  let seen = 0;
  for (const record of records(await inTheClear(batch))) {
    yield record;
    seen += 1;
    if (seen % RECORDS_PER_TURN === 0) await new Promise(setImmediate);
  }
}
