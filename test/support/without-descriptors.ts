/**
 * A process that reads its log while it has no descriptors left, and again when it has: run under
 * `ulimit -n` with a folder; prints what the reading said meanwhile, and what was there afterwards.
 */
import { join } from "node:path";
import { isTributaryError } from "../../src/base/errors.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { takeAllDescriptors } from "./all-descriptors.ts";
import { readAll } from "./read-all.ts";

const SEGMENT_BYTES = 128 * 1024;
/** Twice as many as are held open. */
const SEGMENTS = 24;
const RECORD_BYTES = 32 * 1024;

const log = await openLog(join(process.argv[2] ?? ".", "data"), {
  segmentBytes: SEGMENT_BYTES,
  diskBudgetBytes: 1000 * SEGMENT_BYTES,
});
await log.createTopic("t", { partitions: 1 });
const partition = log.topic("t")?.partitions[0] as Partition;
const written = (SEGMENTS * SEGMENT_BYTES) / RECORD_BYTES;
for (let nth = 0; nth < written; nth += 1) {
  const group = log.group();
  group.addRecord(partition, 1, null, Buffer.alloc(RECORD_BYTES, nth));
  await group.flushed;
}
const taken = await takeAllDescriptors();
const meanwhile = await codeOfReading(log);
for (const handle of taken) await handle.close();
const found = (await readAll(log, partition)).length;
await log.close();
console.log(JSON.stringify({ meanwhile, written, found }));

async function codeOfReading(of: Log): Promise<string> {
  try {
    await readAll(of, partition);
    return "NONE";
  } catch (error) {
    return isTributaryError(error) ? error.code : String(error);
  }
}
