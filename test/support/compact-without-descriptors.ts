/**
 * A process that compacts its log while it has no descriptors left, and again when it has: run under
 * `ulimit -n` with a folder; prints how many segments were written again meanwhile and afterwards, and
 * how many records were left each time.
 */
import { join } from "node:path";
import type { Partition } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { takeAllDescriptors } from "./all-descriptors.ts";
import { storedRecords } from "./stored-records.ts";

const SEGMENT_BYTES = 128 * 1024;
const RECORD_BYTES = 8 * 1024;

const log = await openLog(join(process.argv[2] ?? ".", "data"), {
  segmentBytes: SEGMENT_BYTES,
  diskBudgetBytes: 100 * SEGMENT_BYTES,
  retentionCheckMs: 0,
});
await log.createTopic("t", {
  partitions: 1,
  config: { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 },
});
const partition = log.topic("t")?.partitions[0] as Partition;
while (log.stats().segmentsSealed < 4) {
  const group = log.group();
  group.addRecord(partition, 1, Buffer.from("key"), Buffer.alloc(RECORD_BYTES));
  await group.flushed;
}
// Reading opens the sealed segments, so that what lacks descriptors is the new one.
const before = await counted();
const taken = await takeAllDescriptors();
await log.compact();
const meanwhile = await counted();
for (const handle of taken) await handle.close();
await log.compact();
const after = await counted();
await log.close();
console.log(JSON.stringify({ before, meanwhile, after }));

async function counted(): Promise<{ records: number; rewritten: number; damaged: number }> {
  const records = (await storedRecords(log, partition)).length;
  const { compaction, damaged } = log.stats();
  return { records, rewritten: compaction.segmentsRewritten, damaged: damaged.length };
}
