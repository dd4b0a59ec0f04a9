/**
 * One partition of a log topic on its way out, by one rule: a cursor over the log, and which of the
 * records before it the remote has not acknowledged. Holds offsets alone: the log is the buffer.
 */
import { isTributaryError } from "../../src/base/errors.ts";
import { type Offset, toOffset } from "../../src/base/offset.ts";
import { readInTheClear, type Stretch } from "../../src/log/committed-slice.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import { type DecodedRecord, records } from "../../src/wire/records.ts";
import type { OutRule } from "./out-rule.ts";
import type { Positioned } from "./positions.ts";

export interface OutLaneParts {
  readonly log: Log;
  readonly partition: Partition;
  readonly rule: OutRule;
  readonly start: Offset;
  /** Told of offsets that can no longer be read. */
  readonly onGap: (partition: Partition, from: Offset, to: Offset) => void;
}

export class OutLane implements Positioned {
  readonly partition: Partition;
  readonly rule: OutRule;
  readonly #log: Log;
  readonly #onGap: OutLaneParts["onGap"];
  /** In order of offset: they are sent in that order. */
  readonly #inFlight = new Set<Offset>();
  #next: Offset;

  constructor({ log, partition, rule, start, onGap }: OutLaneParts) {
    this.partition = partition;
    this.rule = rule;
    this.#log = log;
    this.#onGap = onGap;
    this.#next = start;
  }

  get partitionId(): number {
    return this.partition.id;
  }

  get keyGlob(): string {
    return this.rule.config.key ?? "";
  }

  get position(): Offset {
    for (const first of this.#inFlight) return first;
    return this.#next;
  }

  get lagRecords(): number {
    return Math.max(0, this.partition.highWatermark - this.position);
  }

  /** Where the next record is read. */
  get next(): Offset {
    return this.#next;
  }

  /** There is something to read. */
  get behind(): boolean {
    return this.#next < this.partition.lastStableOffset;
  }

  /** What was in flight on a connection that is gone is to be sent again. */
  rewind(): void {
    this.#next = this.position;
    this.#inFlight.clear();
  }

  /**
   * The next records, in order; ask for the next slice when all of them have been told to be
   * {@link sending} or {@link passed}. Empty where there are none, or none that can be read.
   */
  async read(bytesMax: number): Promise<Iterable<DecodedRecord>> {
    const { partition } = this;
    const { logStartOffset, highWatermark } = partition;
    if (this.#next < logStartOffset) this.#skipTo(logStartOffset);
    // The log has lost its end (a damaged segment was set aside): what comes now is new.
    if (this.#next > highWatermark) this.#next = highWatermark;
    try {
      const slice = await readInTheClear(this.#log, partition, this.#next, bytesMax);
      if (slice.stretches.length === 0) this.#skipTo(slice.nextOffset);
      return this.#recordsOf(slice.stretches);
    } catch (error) {
      // Retention may have moved the log start between the look and the read: look again.
      const expired = this.#next < partition.logStartOffset;
      if (expired && isTributaryError(error, "OFFSET_OUT_OF_RANGE")) return [];
      throw error;
    }
  }

  sending(offset: Offset): void {
    this.#inFlight.add(offset);
    this.#next = toOffset(offset + 1);
  }

  /** A record that is not for the remote. */
  passed(offset: Offset): void {
    this.#next = toOffset(offset + 1);
  }

  acknowledged(offset: Offset): void {
    this.#inFlight.delete(offset);
  }

  *#recordsOf(stretches: readonly Stretch[]): Generator<DecodedRecord, void, undefined> {
    for (const { from, to, batch } of stretches) {
      if (from > this.#next) this.#skipTo(from);
      try {
        for (const record of batch === undefined ? [] : records(batch)) {
          if (record.offset >= this.#next) yield record;
        }
      } catch (error) {
        // It would fail in the same way for ever.
        if (!isTributaryError(error)) throw error;
        this.#skipTo(to);
      }
      // Offsets at a batch's end may be without a record.
      if (to > this.#next) this.#next = to;
    }
  }

  #skipTo(offset: Offset): void {
    if (offset > this.#next) this.#onGap(this.partition, this.#next, offset);
    this.#next = offset;
  }
}
