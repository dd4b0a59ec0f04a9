import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { FailingStorage } from "../../../support/failing-storage.ts";
import { storedRecords } from "../../../support/stored-records.ts";

const SEGMENT_BYTES = 64 * 1024;
const VALUE_BYTES = 4000;
const FIRST_MS = 1_700_000_000_000;

describe("compaction of a storage that lacks something for a while", () => {
  let storage: FailingStorage;
  let disk: MemoryStorage;
  let log: Log;

  const partition = () => log.topic("t")?.partitions[0] as Partition;
  const held = async () =>
    (await storedRecords(log, partition())).map(({ key, offset }) => `${offset}:${key}`);
  const open = async () => {
    storage = new FailingStorage(disk);
    const sizes = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };
    const clock = new ManualClock(FIRST_MS);
    log = await recoverLog(storage, withDefaults({ ...sizes, clock, retentionCheckMs: 0 }));
  };

  async function put(key: string, timestampMs = FIRST_MS): Promise<void> {
    const group = log.group();
    group.addRecord(partition(), timestampMs, Buffer.from(key), Buffer.alloc(VALUE_BYTES, key));
    await group.flushed;
  }

  /** What is left of the first offsets, of which the last two stand in the active segment. */
  const compacted = (end: number) => [
    "0:newest",
    `${end - 3}:f`,
    `${end - 2}:f`,
    `${end - 1}:active`,
  ];

  /** Two sealed segments of one key, and one record with a newer time at the beginning. */
  beforeEach(async () => {
    disk = new MemoryStorage();
    await open();
    const config = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 } as const;
    await log.createTopic("t", { partitions: 1, config });
    await put("newest", FIRST_MS + 1000);
    while (log.stats().segmentsSealed < 2) await put("f");
    await put("active");
  });

  test.each(["openSegment", "prepareSegment", "replaceSegment"] as const)(
    "loses nothing where %s fails, and compacts at the next look",
    async (call) => {
      // What is opened for reading is closed first.
      await log.close();
      await open();
      storage.busy.add(call);
      await log.compact();
      expect(storage.busy.size).toBe(0);
      expect(log.stats().damaged).toEqual([]);
      if (call !== "openSegment") expect(log.stats().segmentCount).toBe(3);
      await log.compact();
      expect(await held()).toEqual(compacted(partition().highWatermark));
      await log.close();
      await open();
      expect(await held()).toEqual(compacted(partition().highWatermark));
    },
  );

  test("a segment that gave way and cannot be removed is removed later, and never read", async () => {
    storage.busy.add("removeSegment");
    await log.compact();
    expect(storage.busy.size).toBe(0);
    expect(await held()).toEqual(compacted(partition().highWatermark));
    expect(await storage.segmentIds()).toEqual([1, 2, 3]);
    // Whatever goes next takes it along.
    for (let sealed = 0; (await storage.segmentIds()).includes(1); sealed += 1) {
      expect(sealed).toBeLessThan(100);
      await put("f");
      await log.compact();
    }
    expect((await held()).slice(0, 1)).toEqual(["0:newest"]);
  });

  test("the next start removes it, where the process ended before it could", async () => {
    storage.busy.add("removeSegment");
    await log.compact();
    await log.close();
    await open();
    expect(await storage.segmentIds()).toEqual([2, 3]);
    expect(await held()).toEqual(compacted(partition().highWatermark));
  });

  test.each(["offsetForTime", "offsetOfMaxTimestamp"] as const)(
    "%s finds a record whose segment gives way while it is opened",
    async (search) => {
      await log.close();
      await open();
      let opened = () => {};
      storage.opening = new Promise((resolve) => {
        opened = resolve;
      });
      const found =
        search === "offsetForTime"
          ? log.offsetForTime(partition(), FIRST_MS + 1000)
          : log.offsetOfMaxTimestamp(partition());
      await log.compact();
      expect(await storage.segmentIds()).toEqual([2, 3]);
      opened();
      expect(await found).toMatchObject({ offset: 0, timestampMs: FIRST_MS + 1000 });
    },
  );
});
