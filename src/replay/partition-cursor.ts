/**
 * Reads one partition forward, slice by slice. Within a slice it moves synchronously ({@link head},
 * {@link advance}); {@link fill} fetches the next one, and lets the event loop run first, for a
 * search through much that is filtered out gives nothing on. Owner of one slice's memory.
 *
 * It reads to the last stable offset. Transaction markers, records of aborted transactions and
 * batches whose every record is too old are passed over without being decoded.
 */
import { isTributaryError } from "../base/errors.ts";
import { type Offset, toOffset } from "../base/offset.ts";
import type { PayloadCodecName } from "../codec/codecs.ts";
import { type CommittedSlice, readInTheClear, type Stretch } from "../log/committed-slice.ts";
import type { Log, Partition } from "../log/contract.ts";
import { maxTimestampMs } from "../wire/record-batch.ts";
import { type DecodedRecord, records } from "../wire/records.ts";
import type { ReplayRange } from "./range.ts";
import { ReplayedRecord } from "./replayed-record.ts";

export interface CursorOptions {
  readonly codec: PayloadCodecName;
  readonly sliceBytes: number;
  /** Told of offsets that were wanted, but had been expired or lost before they were read. */
  readonly onGap: (gap: ReplayGap) => void;
}

/** Offsets from `from` to before `to` that can no longer be read. */
export interface ReplayGap {
  readonly topic: string;
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
}

export class PartitionCursor {
  readonly partition: Partition;
  readonly #log: Log;
  readonly #range: ReplayRange;
  readonly #options: CursorOptions;
  #stretches: Iterator<Stretch> = [][Symbol.iterator]();
  #records: Iterator<DecodedRecord, void, undefined> | undefined;
  #position: Offset;
  #head: ReplayedRecord | undefined;

  constructor(log: Log, partition: Partition, range: ReplayRange, options: CursorOptions) {
    this.#log = log;
    this.partition = partition;
    this.#range = range;
    this.#options = options;
    this.#position = range.start;
  }

  /** The record it stands on; undefined before the first, and where the slice is used up. */
  get head(): ReplayedRecord | undefined {
    return this.#head;
  }

  /** The offset that the next slice begins at. */
  get position(): Offset {
    return this.#position;
  }

  /** Moves to the next record of the slice that is in memory, if there is one. */
  advance(): void {
    const { timestampMsMin, timestampMsEnd, start, end } = this.#range;
    for (;;) {
      const next = this.#records?.next();
      if (next === undefined || next.done === true) {
        if (!this.#openBatch()) break;
        continue;
      }
      const { offset, timestampMs } = next.value;
      if (end !== undefined && offset >= end) break;
      if (offset < start || timestampMs < timestampMsMin || timestampMs >= timestampMsEnd) continue;
      const { topic, index } = this.partition;
      this.#head = new ReplayedRecord(topic, index, next.value, this.#options.codec);
      return;
    }
    this.#head = undefined;
  }

  /**
   * Reads on until it stands on a record, or nothing below `limit` (at most the last stable offset) is
   * left; a slice that was all filtered out does not end it.
   */
  async fill(limit: Offset, signal: AbortSignal): Promise<void> {
    const end = Math.min(limit, this.#range.end ?? limit);
    while (this.#head === undefined && this.#position < end && !signal.aborted) {
      await new Promise(setImmediate);
      const slice = await this.#read();
      if (slice === undefined) continue;
      this.#stretches = slice.stretches[Symbol.iterator]();
      this.#records = undefined;
      // A slice that moves nothing on would be read for ever.
      if (slice.nextOffset <= this.#position) return;
      this.#moveThrough(slice);
      this.advance();
    }
  }

  async #read() {
    const { logStartOffset } = this.partition;
    if (this.#position < logStartOffset) this.#skipTo(logStartOffset);
    if (this.#position >= (this.#range.end ?? Number.POSITIVE_INFINITY)) return undefined;
    try {
      const { sliceBytes } = this.#options;
      const wants = (batch: Buffer) => maxTimestampMs(batch) >= this.#range.timestampMsMin;
      return await readInTheClear(this.#log, this.partition, this.#position, sliceBytes, wants);
    } catch (error) {
      // Retention may have moved the log start between the look and the read: look again.
      const expired =
        isTributaryError(error, "OFFSET_OUT_OF_RANGE") &&
        this.#position < this.partition.logStartOffset;
      if (!expired) throw error;
      return undefined;
    }
  }

  /** Moves the position to the slice's end, and reports what is missing in between. */
  #moveThrough(slice: CommittedSlice): void {
    for (const { from, to } of slice.stretches) {
      if (from > this.#position) this.#skipTo(from);
      this.#position = to;
    }
    if (slice.nextOffset > this.#position) this.#skipTo(slice.nextOffset);
  }

  #skipTo(offset: Offset): void {
    const { topic, index } = this.partition;
    const { end = offset } = this.#range;
    const to = toOffset(Math.min(offset, end));
    if (to > this.#position) {
      this.#options.onGap({ topic, partition: index, from: this.#position, to });
    }
    this.#position = offset;
  }

  #openBatch(): boolean {
    for (;;) {
      const { done, value } = this.#stretches.next();
      if (done === true) return false;
      const { batch } = value;
      if (batch === undefined || maxTimestampMs(batch) < this.#range.timestampMsMin) continue;
      this.#records = records(batch);
      return true;
    }
  }
}
