/** A log for the suites of compaction, with what they all do to it. */
import type { Partition, TopicConfig } from "../../src/log/contract.ts";
import { type KeyedBatch, keyedBatch } from "../support/keyed-batches.ts";
import { storedRecords } from "../support/stored-records.ts";
import { LogFixture } from "./log-fixture.ts";

/** Compacted whenever there is something to compact. */
export const COMPACT = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 } as const;
/** Nothing is compacted, and nothing expires, unless the test says so. */
export const KEEPS_STILL = { retentionCheckMs: 0 };

export class CompactionFixture extends LogFixture {
  /** The only partition of a new topic. */
  async compacted(config: Partial<TopicConfig> = {}): Promise<Partition> {
    await this.reopen(KEEPS_STILL);
    const created = await this.log.createTopic("t", {
      partitions: 1,
      config: { ...COMPACT, ...config },
    });
    return created.partitions[0] as Partition;
  }

  async put(partition: Partition, key: string, value: string | null): Promise<void> {
    const group = this.log.group();
    const bytes = value === null ? null : Buffer.from(value);
    group.addRecord(partition, this.clock.nowMs(), Buffer.from(key), bytes);
    await group.flushed;
  }

  async add(partition: Partition, batch: KeyedBatch): Promise<void> {
    const group = this.log.group();
    group.addBatch(partition, keyedBatch(batch));
    await group.flushed;
  }

  /** Seals what there is, by records of another topic. */
  async seal(): Promise<void> {
    await this.fillSegment(await this.partitionOf("filler"));
  }

  /** Its records, each as OFFSET:KEY=VALUE. */
  async held(partition: Partition): Promise<string[]> {
    return (await storedRecords(this.log, partition)).map(
      ({ key, value, offset }) => `${offset}:${key}=${value ?? "-"}`,
    );
  }
}
