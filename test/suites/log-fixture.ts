/**
 * What the suites of the log share: a log in a place of its own for each test, on a clock that moves
 * only when told to, with segments small enough to be filled at once.
 */
import { afterEach, beforeEach, expect } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import type { LogOptions } from "../../src/log/options.ts";

/** Where a suite opens logs: again and again on the same data. */
export interface LogPlace {
  open(options: Partial<LogOptions>): Promise<Log>;
  remove(): Promise<void>;
}

export const SEGMENT_BYTES = 128 * 1024;
export const T0 = 1_700_000_000_000;
const SMALL = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };

export class LogFixture {
  readonly #newPlace: () => Promise<LogPlace>;
  #place: LogPlace | undefined;
  #log: Log | undefined;
  clock = new ManualClock(T0);

  /** Call it inside of a `describe`: it opens a log before each test and removes it after. */
  constructor(newPlace: () => Promise<LogPlace>) {
    this.#newPlace = newPlace;
    beforeEach(async () => {
      this.clock = new ManualClock(T0);
      this.#place = await this.#newPlace();
      await this.open();
    });
    afterEach(async () => {
      await this.log.close();
      await this.#place?.remove();
    });
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error("no log is open");
    return this.#log;
  }

  async open(options: Partial<LogOptions> = {}): Promise<void> {
    this.#log = await this.#place?.open({ ...SMALL, clock: this.clock, ...options });
  }

  async reopen(options: Partial<LogOptions> = {}): Promise<void> {
    await this.log.close();
    await this.open(options);
  }

  async append(partition: Partition, ...values: string[]): Promise<void> {
    const group = this.log.group();
    for (const value of values) {
      group.addRecord(partition, this.clock.nowMs(), null, Buffer.from(value));
    }
    await group.flushed;
  }

  /** Fills and seals at least one segment with records of `partition`. */
  async fillSegment(partition: Partition): Promise<void> {
    const before = this.log.stats().segmentsSealed;
    const value = Buffer.alloc(8000, "f");
    for (let round = 0; round < 60 && this.log.stats().segmentsSealed === before; round += 1) {
      const group = this.log.group();
      group.addRecord(partition, this.clock.nowMs(), null, value);
      await group.flushed;
    }
    expect(this.log.stats().segmentsSealed).toBeGreaterThan(before);
  }

  /** A partition of a topic that is created where there is none. */
  async partitionOf(topic: string, index = 0): Promise<Partition> {
    const found =
      this.log.topic(topic) ?? (await this.log.createTopic(topic, { partitions: index + 1 }));
    return found.partitions[index] as Partition;
  }
}
