/** When the gatherers of a group are told, and when the next group goes to the disk. */
import { describe, expect, it, vi } from "vitest";
import type { AppendGroup, Log, Partition } from "../../../src/log/contract.ts";
import { recoverLog } from "../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { withDefaults } from "../../../src/log/with-defaults.ts";
import { BatchBuilder } from "../../../src/wire/batch-builder.ts";
import { FailingStorage } from "../../support/failing-storage.ts";

const MIB = 1024 * 1024;

/** A log whose next two commits end when the test says so. */
async function heldLog(flushDelayMs = 0, pendingBytesMax = 64 * MIB) {
  const storage = new FailingStorage(new MemoryStorage());
  const log = await recoverLog(storage, withDefaults({ flushDelayMs, pendingBytesMax }));
  await log.createTopic("t", { partitions: 1 });
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  second.promise.catch(() => {});
  storage.next(first.promise, second.promise);
  return { log, first, second };
}

function append(log: Log, value: string): AppendGroup {
  const group = log.group();
  const partition = log.topic("t")?.partitions[0] as Partition;
  group.addRecord(partition, 1, null, Buffer.from(value));
  return group;
}

/** Appends one record, waits until its group is on its way, and appends another behind it. */
async function twoGroups(log: Log): Promise<[AppendGroup, AppendGroup]> {
  const ahead = append(log, "ahead");
  while (log.group() === ahead) await new Promise(setImmediate);
  return [ahead, append(log, "behind")];
}

describe("a group commit", () => {
  it("tells a group after its flush, when the disk has what gathered behind it", async () => {
    const { log, first, second } = await heldLog();
    const [ahead, behind] = await twoGroups(log);
    const told: string[] = [];
    void ahead.flushed.then(() => told.push("ahead"));
    void behind.flushed.then(() => told.push("behind"));
    await new Promise(setImmediate);
    expect(told).toEqual([]);
    first.resolve();
    await ahead.flushed;
    expect(log.group()).not.toBe(behind);
    await new Promise(setImmediate);
    expect(told).toEqual(["ahead"]);
    second.resolve();
    await behind.flushed;
    expect(told).toEqual(["ahead", "behind"]);
    await log.close();
  });

  it("counts what waits for its flush, of the group on its way as of the one that gathers", async () => {
    const { log, first, second } = await heldLog();
    const ahead = append(log, "ahead");
    const one = log.stats().pendingBytes;
    expect(one).toBeGreaterThan(0);
    while (log.group() === ahead) await new Promise(setImmediate);
    expect(log.stats().pendingBytes).toBe(one);
    const behind = append(log, "behind");
    expect(log.stats().pendingBytes).toBeGreaterThan(one);
    first.resolve();
    second.resolve();
    await behind.flushed;
    expect(log.stats().pendingBytes).toBe(0);
    await log.close();
  });

  it("tells a group that is on disk, although the one behind it fails", async () => {
    const { log, first, second } = await heldLog();
    const [ahead, behind] = await twoGroups(log);
    behind.flushed.catch(() => {});
    first.resolve();
    second.reject(new Error("the disk is gone"));
    await ahead.flushed;
    await expect(behind.flushed).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });

  it("asks for small commits of its own thread once they are known to be fast", async () => {
    const storage = new MemoryStorage();
    const createSegment = storage.createSegment.bind(storage);
    const here: (boolean | undefined)[] = [];
    storage.createSegment = async (id) => {
      const segment = await createSegment(id);
      const commit = segment.commit.bind(segment);
      segment.commit = (writes) => {
        here.push(writes.here);
        return commit(writes);
      };
      return segment;
    };
    const log = await recoverLog(storage, withDefaults({}));
    await log.createTopic("t", { partitions: 1 });
    for (let nth = 0; nth < 40; nth += 1) await append(log, String(nth)).flushed;
    expect(here[0]).toBe(false);
    expect(here).toContain(true);
    await log.close();
  });

  it("lets a small group gather for as long as the flush delay says", async () => {
    const { log, first, second } = await heldLog(50);
    const [ahead, behind] = await twoGroups(log);
    first.resolve();
    second.resolve();
    await ahead.flushed;
    expect(log.group()).toBe(behind);
    await behind.flushed;
    await log.close();
  });

  it.for([
    ["batches", addBatches],
    ["records", addRecords],
  ] as const)(
    "waits for no more than a megabyte of %s, however long the delay",
    async ([, add]) => {
      const { log, first, second } = await logOfHours();
      first.resolve();
      second.resolve();
      // A group of its own each: the first that ever gathers, and one behind another.
      for (let nth = 0; nth < 2; nth += 1) {
        const group = log.group();
        add(group, log.topic("t")?.partitions[0] as Partition);
        await group.flushed;
      }
      await log.close();
    },
  );

  it("waits for no more than half of what may be pending", async () => {
    const { log, first, second } = await logOfHours(MIB);
    first.resolve();
    second.resolve();
    const group = log.group();
    addRecords(group, log.topic("t")?.partitions[0] as Partition, PIECES / 2);
    await group.flushed;
    await log.close();
  });

  it("waits for no delay when the log is closed", async () => {
    const { log, first } = await logOfHours();
    const group = append(log, "last");
    first.resolve();
    await Promise.all([group.flushed, log.close()]);
  });
});

/** Its flush delay is longer than any test; what opening it waits for has passed. */
async function logOfHours(pendingBytesMax?: number) {
  const HOURS_MS = 10 * 3_600_000;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let opened = false;
  const opening = heldLog(HOURS_MS, pendingBytesMax).finally(() => {
    opened = true;
  });
  while (!opened) await vi.advanceTimersByTimeAsync(HOURS_MS);
  vi.useRealTimers();
  return await opening;
}

const PIECE_BYTES = 100_000;
const PIECES = 12;

function addRecords(group: AppendGroup, partition: Partition, pieces = PIECES): void {
  for (let nth = 0; nth < pieces; nth += 1) {
    group.addRecord(partition, 1, null, Buffer.alloc(PIECE_BYTES));
  }
}

function addBatches(group: AppendGroup, partition: Partition): void {
  for (let nth = 0; nth < PIECES; nth += 1) {
    const batch = new BatchBuilder(Buffer.allocUnsafe(2 * PIECE_BYTES));
    batch.add(1, null, Buffer.alloc(PIECE_BYTES));
    group.addBatch(partition, batch.finish());
  }
}
