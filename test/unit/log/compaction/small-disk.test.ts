/** Compaction and the disk budget on a disk that has room for a few segments, and no more. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import type { LogOptions } from "../../../../src/log/options.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import type { Segment } from "../../../../src/log/storage/storage.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { SmallDisk } from "../../../support/small-disk.ts";

const MIB = 1024 * 1024;
const SCALE = 1024;
const SEGMENT_BYTES = 64 * MIB;
const VALUE = Buffer.alloc(4000, "v");
const RESERVE_BYTES = 64 * MIB;

describe("a log on a small disk", () => {
  let disk: SmallDisk;
  let log: Log;

  beforeEach(() => {
    disk = new SmallDisk(SCALE);
  });

  afterEach(() => log.close());

  async function open(options: Partial<LogOptions> = {}): Promise<void> {
    const complete = {
      segmentBytes: SEGMENT_BYTES,
      diskBudgetBytes: 100 * SEGMENT_BYTES,
      retentionCheckMs: 0,
      clock: new ManualClock(1_700_000_000_000),
      ...options,
    };
    log = await recoverLog(disk, withDefaults(complete));
  }

  async function topic(name: string, config = {}): Promise<Partition> {
    const created = await log.createTopic(name, { partitions: 1, config });
    return created.partitions[0] as Partition;
  }

  async function put(partition: Partition, key: string): Promise<void> {
    const group = log.group();
    group.addRecord(partition, 1, Buffer.from(key), VALUE);
    await group.flushed;
  }

  /** Puts records until one more segment is sealed. */
  async function fill(partition: Partition, key: string): Promise<void> {
    const { segmentsSealed } = log.stats();
    while (log.stats().segmentsSealed === segmentsSealed) await put(partition, key);
  }

  test("writes a segment of which only heads are left once, and not for ever", async () => {
    await open();
    disk.overheadBytes = 2 * MIB;
    const config = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 };
    const partition = await topic("t", config);
    await fill(partition, "a");
    // What expires some day is not put together with what stays.
    await put(await topic("other"), "b");
    await fill(partition, "a");
    disk.preparedMax = 10;
    await log.compact();
    expect(disk.preparedCount).toBe(2);
    await log.compact();
    expect(disk.preparedCount).toBe(2);
    expect(log.stats().segmentCount).toBe(3);
  });

  test("comes back from a disk that was full at the first commit of a new segment", async () => {
    await open({ retentionCheckMs: 2 });
    const partition = await topic("t");
    for (let sealed = 0; sealed < 5; sealed += 1) await fill(partition, "a");
    // The active segment is as full as it gets; another program takes what is left of the disk.
    let isFull = false;
    disk.beforeCommit = (segment) => {
      if (!isFull && segment.id === 7 && segment.bytesOnDisk() === 0) {
        isFull = true;
        disk.capacityBytes = disk.usedBytes;
      }
    };
    const first = fill(partition, "a");
    await expect(first).rejects.toMatchObject({ code: "DISK_FULL" });
    await vi.waitUntil(
      async () =>
        await put(partition, "b").then(
          () => true,
          () => false,
        ),
      { interval: 5, timeout: 3000 },
    );
    expect(await disk.segmentIds()).not.toContain(1);
    expect(partition.logStartOffset).toBeGreaterThan(0);
  });

  test("writes again first what there is room for, and then the rest", async () => {
    await open();
    const kept = await topic("kept", { cleanupPolicy: "compact" });
    const other = await topic("other");
    for (const [keptMib, nth] of [
      [32, 1],
      [16, 2],
    ] as const) {
      for (let key = 0; key < keptMib / 4; key += 1) await put(kept, `${nth}/${key}`);
      await fill(other, "a");
    }
    await log.deleteRecords(other, other.highWatermark);
    const freeMib = 32 + 20;
    disk.capacityBytes = disk.usedBytes + freeMib * MIB;
    const usedMib = disk.usedBytes / MIB;
    await log.compact();
    expect(log.stats().compaction.segmentsRewritten).toBe(2);
    expect(disk.usedBytes / MIB).toBeLessThan(usedMib - 70);
  });

  test("takes nothing for what is being written beside it, where the disk has enough", async () => {
    await open();
    const config = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 };
    const kept = await topic("kept", config);
    const partition = await topic("t");
    await fill(partition, "a");
    for (let nth = 0; nth < 6; nth += 1) await put(kept, `${nth % 2}`);
    await fill(partition, "a");
    await log.close();
    await open({ retentionCheckMs: 2 });
    const again = log.topic("t")?.partitions[0] as Partition;
    const { logStartOffset } = again;
    // All of it fits, with the active segment full; and so does what is written again.
    disk.capacityBytes = 3 * SEGMENT_BYTES + 2 * RESERVE_BYTES;
    let held: Segment | undefined;
    let letGo = () => {};
    const letting = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    disk.beforeSwap = async (segment) => {
      held = segment;
      disk.capacityBytes = disk.usedBytes + RESERVE_BYTES + SEGMENT_BYTES - segment.bytesOnDisk();
      await letting;
    };
    const compacting = log.compact();
    await vi.waitUntil(() => held !== undefined, { interval: 1 });
    const { looks } = disk;
    const isTaken = () => again.logStartOffset > logStartOffset;
    await vi.waitUntil(() => disk.looks > looks + 2 || isTaken(), { interval: 1 });
    letGo();
    await compacting;
    expect(held?.bytesOnDisk()).toBeGreaterThan(0);
    expect(again.logStartOffset).toBe(logStartOffset);
    expect(log.stats().compaction.segmentsRewritten).toBeGreaterThan(0);
  });
});
