/** What was told to be done is done, whenever the process is killed after that. */
import { expect, test } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";

const storage = new MemoryStorage();

/** The log as the next process finds it: the one before was not closed. */
function restarted(): Promise<Log> {
  return openMemoryLog({}, storage);
}

test("changes of topics are on the disk when they are told to be done", async () => {
  const log = await restarted();
  const { partitions } = await log.createTopic("t", { partitions: 1 });
  const group = log.group();
  for (const value of ["a", "b", "c"]) {
    group.addRecord(partitions[0] as Partition, 0, null, Buffer.from(value));
  }
  await group.flushed;

  await log.deleteRecords(partitions[0] as Partition, toOffset(1));
  expect((await restarted()).topic("t")?.partitions[0]?.logStartOffset).toBe(1);

  // Somebody else has asked for the same just before, and is not answered yet.
  void log.deleteRecords(partitions[0] as Partition, toOffset(2));
  expect(await log.deleteRecords(partitions[0] as Partition, toOffset(2))).toBe(2);
  expect((await restarted()).topic("t")?.partitions[0]?.logStartOffset).toBe(2);

  await log.addPartitions("t", 4);
  await log.configureTopic("t", { retentionMs: 5, inert: { "flush.ms": "1" } });
  const topic = (await restarted()).topic("t");
  expect(topic?.partitions).toHaveLength(4);
  expect(topic).toMatchObject({ ownConfig: { retentionMs: 5 }, inert: { "flush.ms": "1" } });
});
