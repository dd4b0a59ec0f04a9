/**
 * Does the log hold its speed when old data must go? Appends batches of 2 to 120 KB over 16
 * partitions, flushed group by group, until the disk budget has wrapped three times, and compares
 * the last gigabyte with the first.
 *
 *     node log-append.ts FOLDER     prints JSON
 */
import { Buffer } from "node:buffer";
import type { Partition } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { BatchBuilder } from "../../src/wire/batch-builder.ts";

const MIB = 1024 * 1024;
const GIGABYTE = 1e9;
const BUDGET_BYTES = 1024 * MIB;
const WRAPS = 3;
const PARTITIONS = 16;
const RECORD = Buffer.alloc(1000, 7);

const [folder = ""] = process.argv.slice(2);
const log = await openLog(folder, { segmentBytes: 64 * MIB, diskBudgetBytes: BUDGET_BYTES });
const topic = await log.createTopic("bench", { partitions: PARTITIONS });
const batches = Array.from({ length: PARTITIONS }, (_, nth) => batchOf(2 + ((nth * 37) % 119)));
const ratesMBs: number[] = [];
while (ratesMBs.length < (WRAPS * BUDGET_BYTES) / GIGABYTE + 2) {
  ratesMBs.push(await appendGigabyte());
}
console.log(
  JSON.stringify({
    ratesMBs: ratesMBs.map(Math.round),
    lastOverFirst: (ratesMBs.at(-1) ?? 0) / (ratesMBs[0] ?? 1),
    residentMB: Math.round(process.memoryUsage().rss / 1e6),
    segments: log.stats().segmentCount,
  }),
);
await log.close();

async function appendGigabyte(): Promise<number> {
  const startedAtMs = performance.now();
  let bytes = 0;
  while (bytes < GIGABYTE) {
    const group = log.group();
    for (const [index, batch] of batches.entries()) {
      group.addBatch(topic.partitions[index] as Partition, Buffer.from(batch));
      bytes += batch.length;
    }
    await group.flushed;
  }
  return bytes / 1e6 / ((performance.now() - startedAtMs) / 1000);
}

function batchOf(records: number): Buffer {
  const builder = new BatchBuilder(Buffer.allocUnsafeSlow(records * (RECORD.length + 20)));
  for (let nth = 0; nth < records; nth += 1) builder.add(1_700_000_000_000, null, RECORD);
  return builder.finish();
}
