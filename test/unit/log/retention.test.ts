/** Retention in moments that a real disk makes too short to meet in a test. */
import { expect, test, vi } from "vitest";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import type { Segment } from "../../../src/log/storage/storage.ts";

const SEGMENT_BYTES = 64 * 1024;
const VALUE = Buffer.alloc(8_000);

/** Counts the looks of retention, and can hold back the first commit of the next segment. */
class SlowStorage extends MemoryStorage {
  looks = 0;
  /** The first commit of a new segment waits for `letGo`. */
  holding = false;
  held = false;
  letGo: () => void = () => {};

  override async freeBytes(): Promise<number> {
    this.looks += 1;
    return await super.freeBytes();
  }

  override async createSegment(id: number): Promise<Segment> {
    const segment = await super.createSegment(id);
    const commit = segment.commit.bind(segment);
    let isFirst = true;
    segment.commit = async (writes) => {
      if (isFirst && this.holding) {
        this.held = true;
        await new Promise<void>((resolve) => {
          this.letGo = resolve;
        });
      }
      isFirst = false;
      await commit(writes);
    };
    return segment;
  }
}

test("the disk budget takes no more than it must while a new segment waits for its first flush", async () => {
  const storage = new SlowStorage();
  const log = await openMemoryLog(
    { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 6 * SEGMENT_BYTES, retentionCheckMs: 1 },
    storage,
  );
  const topic = await log.createTopic("t", { partitions: 1 });
  const partition = topic.partitions[0] as Partition;
  while (partition.logStartOffset === 0) await append(log, partition);
  const recordsPerSegment = partition.logStartOffset;

  storage.holding = true;
  const start = partition.logStartOffset;
  let appended = Promise.resolve();
  while (!storage.held) {
    appended = append(log, partition);
    await Promise.race([appended, vi.waitUntil(() => storage.held, { interval: 1 })]);
  }
  const { looks } = storage;
  await vi.waitUntil(() => storage.looks >= looks + 3);
  expect(partition.logStartOffset - start).toBeLessThanOrEqual(2 * recordsPerSegment);

  storage.holding = false;
  storage.letGo();
  await appended;
  await append(log, partition);
  const kept = partition.highWatermark - partition.logStartOffset;
  expect(kept).toBeGreaterThan(2 * recordsPerSegment);
  await log.close();
});

async function append(log: Log, partition: Partition): Promise<void> {
  const group = log.group();
  group.addRecord(partition, 0, null, VALUE);
  await group.flushed;
}
