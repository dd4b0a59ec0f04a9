import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import { readAllCommitted } from "../../../support/read-committed.ts";
import { storedRecords } from "../../../support/stored-records.ts";

const SEGMENT_BYTES = 128 * 1024;
const OPTIONS = {
  segmentBytes: SEGMENT_BYTES,
  diskBudgetBytes: 10 * SEGMENT_BYTES,
  retentionCheckMs: 0,
};

let directory: string;
let log: Log;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-compaction-damage-"));
  log = await openLog(directory, OPTIONS);
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

const partition = () => log.topic("t")?.partitions[0] as Partition;

async function put(key: string, value: string): Promise<void> {
  const group = log.group();
  group.addRecord(partition(), 1, Buffer.from(key), Buffer.from(value));
  await group.flushed;
}

test("a damaged batch goes along into the new segment, and is still no compacted record", async () => {
  const config = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 } as const;
  await log.createTopic("t", { partitions: 1, config });
  await put("a", "first");
  await put("b", "to be damaged");
  await put("c", "kept");
  for (let nth = 0; log.stats().segmentsSealed === 0; nth += 1) await put("a", "x".repeat(8000));
  await log.close();
  const file = join(directory, "segments", "0000000001.mdb");
  const bytes = await readFile(file);
  bytes.write("?", bytes.lastIndexOf("to be damaged"));
  await writeFile(file, bytes);
  log = await openLog(directory, OPTIONS);
  await log.compact();
  expect(log.stats().compaction.segmentsRewritten).toBe(1);
  const left = await storedRecords(log, partition());
  expect(left.map(({ key }) => `${key}`).slice(0, 2)).toEqual(["c", "a"]);
  const read = await readAllCommitted(log, partition());
  // Offset 0 was compacted, 1 is lost, and the fillers but for the newest sealed one are compacted.
  expect(read.missing).toBe(1);
  expect(read.leftOut.compacted).toBe(log.compactedOf(partition()));
  expect(read.values.length + read.leftOut.compacted + read.missing).toBe(read.end);
});
