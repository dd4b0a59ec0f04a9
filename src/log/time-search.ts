/**
 * Searches of the log by time. They go on from an offset, in short synchronous turns, and ask anew in
 * each where that offset stands: segments may be replaced and put together between two turns, and
 * what was known of them before says nothing of those that took their places.
 */
import type { Offset } from "../base/offset.ts";
import { inTheClear } from "../wire/in-the-clear.ts";
import { leaderEpoch, maxTimestampMs } from "../wire/record-batch.ts";
import { type DecodedRecord, records } from "../wire/records.ts";
import { damageAt } from "./batch-damage.ts";
import type { TimedOffset } from "./contract.ts";
import type { LogPartition } from "./partition.ts";
import type { SegmentHead } from "./segment-head.ts";
import type { SegmentRow } from "./segment-row.ts";
import type { Segment } from "./storage/storage.ts";

/** What is looked at in one synchronous turn, in batches and in their bytes. */
const BATCHES_PER_TURN = 2000;
const BYTES_PER_TURN = 4 * 1024 * 1024;
/** Records of one batch that are looked at in one turn. */
const RECORDS_PER_TURN = 2000;

interface Search {
  readonly partition: LogPartition;
  readonly from: number;
  /** Whether a segment with this head may hold what is looked for. */
  readonly mayHold: (head: SegmentHead) => boolean;
  /** Answers whether to go on. */
  readonly visit: (batch: Buffer, base: number) => boolean;
  readonly signal: AbortSignal | undefined;
}

export class TimeSearch {
  readonly #row: SegmentRow;

  constructor(row: SegmentRow) {
    this.#row = row;
  }

  /** The first record at or after a time, above the log start. */
  async offsetForTime(
    partition: LogPartition,
    timestampMs: number,
    signal: AbortSignal | undefined,
  ): Promise<TimedOffset | undefined> {
    return await this.#findTime(partition, timestampMs, 0, signal);
  }

  /** The first of the records with the newest time, above the log start. */
  async offsetOfMaxTimestamp(
    partition: LogPartition,
    signal: AbortSignal | undefined,
  ): Promise<TimedOffset | undefined> {
    for (;;) {
      const { replacements } = this.#row;
      const best = await this.#newest(partition, signal);
      if (best === undefined) return undefined;
      const { newestMs, from } = best;
      const found = await this.#findTime(partition, newestMs, from, signal);
      // Compaction may have taken just that record.
      const isSettled = replacements === this.#row.replacements || signal?.aborted === true;
      if (found !== undefined || isSettled) return found;
    }
  }

  /** The newest time, and the offset from which a segment holds it. */
  async #newest(
    partition: LogPartition,
    signal: AbortSignal | undefined,
  ): Promise<{ newestMs: number; from: number } | undefined> {
    let best: { newestMs: number; from: number } | undefined;
    for (const { head } of [...this.#row.headsOf(partition.id)]) {
      if (head.nextOffset <= partition.logStartOffset) continue;
      const isWhole = head.firstOffset >= partition.logStartOffset;
      // The newest may stand below the log start, where it was deleted.
      const newestMs = isWhole
        ? head.maxTimestampMs
        : await this.#newestAboveStart(partition, head, signal);
      if (best === undefined || newestMs > best.newestMs) {
        best = { newestMs, from: head.firstOffset };
      }
    }
    return best;
  }

  async #findTime(
    partition: LogPartition,
    timestampMs: number,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<TimedOffset | undefined> {
    const mayHold = (head: SegmentHead) => head.maxTimestampMs >= timestampMs;
    for (let next = from; ; ) {
      const candidates: Buffer[] = [];
      const visit = (batch: Buffer, base: number) => {
        if (maxTimestampMs(batch) < timestampMs || damageAt(batch, base) !== undefined) return true;
        candidates.push(Buffer.from(batch));
        next = base + 1;
        return false;
      };
      await this.#search({ partition, from: next, mayHold, visit, signal });
      const [batch] = candidates;
      if (batch === undefined) return undefined;
      const found = await firstRecordAt(batch, timestampMs, partition.logStartOffset);
      if (found !== undefined) return found;
    }
  }

  async #newestAboveStart(
    partition: LogPartition,
    { nextOffset: end }: SegmentHead,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let newestMs = -1;
    /** The one that the log start stands in. */
    const parted: Buffer[] = [];
    const visit = (batch: Buffer, base: number) => {
      if (base >= end) return false;
      if (base >= partition.logStartOffset) newestMs = Math.max(newestMs, maxTimestampMs(batch));
      else if (damageAt(batch, base) === undefined) parted.push(Buffer.from(batch));
      return true;
    };
    await this.#search({ partition, from: 0, mayHold: () => true, visit, signal });
    for (const batch of parted) {
      newestMs = Math.max(newestMs, await newestRecordMs(batch, partition.logStartOffset));
    }
    return newestMs;
  }

  /** Shows the batches from an offset, or from the log start, on. */
  async #search(search: Search): Promise<void> {
    const { partition, mayHold, signal } = search;
    let last = search.from - 1;
    while (signal?.aborted !== true) {
      const next = Math.max(last + 1, partition.logStartOffset);
      const place = this.#row.locate(partition.id, next);
      if (place === undefined) return;
      const lastOfSegment = place.head.nextOffset - 1;
      if (!mayHold(place.head)) {
        last = lastOfSegment;
        continue;
      }
      const { replacements } = this.#row;
      const turn = await this.#row.withSegment(place.id, (segment) =>
        replacements === this.#row.replacements ? oneTurn(segment, search, last) : undefined,
      );
      // It has given way to another one, or has gone: that is looked up anew.
      if (turn === undefined) continue;
      if (turn.isDone) return;
      last = turn.isThrough ? lastOfSegment : turn.last;
      await new Promise(setImmediate);
    }
  }
}

interface Turn {
  /** The base offset of the last batch that was looked at. */
  readonly last: number;
  /** The segment has no more of them. */
  readonly isThrough: boolean;
  /** Nothing more is to be looked at, here or elsewhere. */
  readonly isDone: boolean;
}

/** Shows what stands behind the batch at `last`, as much of it as one turn may take. */
function oneTurn(segment: Segment, { partition, visit }: Search, last: number): Turn {
  const end = partition.highWatermark;
  const from = Math.max(partition.logStartOffset, last + 1);
  let seen = 0;
  let bytes = 0;
  const turn = { last, isThrough: true, isDone: false };
  segment.scan(partition.id, from, (batch, base) => {
    // A scan begins with the batch that may hold `from`: the last one of the turn before.
    if (base <= last) return true;
    turn.isDone = base >= end;
    if (turn.isDone) return false;
    turn.isThrough = seen < BATCHES_PER_TURN && bytes < BYTES_PER_TURN;
    if (!turn.isThrough) return false;
    seen += 1;
    bytes += batch.length;
    turn.last = base;
    turn.isDone = !visit(batch, base);
    return !turn.isDone;
  });
  return turn;
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
