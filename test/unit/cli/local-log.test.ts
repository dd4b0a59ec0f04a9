import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openLocalLog } from "../../../src/cli/local-log.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openLog } from "../../../src/log/open.ts";
import { readAll } from "../../support/read-all.ts";

const folder = mkdtempSync(join(tmpdir(), "local-log-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const RECORDS = 40;
const RECORD_BYTES = 16 * 1024;
const SEGMENT_BYTES = 64 * 1024;

function partitionOf(log: Log): Partition {
  const partition = log.topic("t")?.partitions[0];
  if (partition === undefined) throw new Error("there is no topic t");
  return partition;
}

/** Far more segments than the topic's own retention leaves, as a gateway that was killed does. */
async function writeTooMuch(): Promise<void> {
  const log = await openLog(folder, { segmentBytes: SEGMENT_BYTES, retentionCheckMs: 0 });
  const config = { retentionBytes: 2 * SEGMENT_BYTES, retentionMs: 1 };
  await log.createTopic("t", { partitions: 1, config });
  for (let number = 0; number < RECORDS; number += 1) {
    const group = log.group();
    group.addRecord(partitionOf(log), number, null, Buffer.alloc(RECORD_BYTES, "x"));
    await group.flushed;
  }
  await log.close();
}

test("reading a stopped gateway's folder expires nothing, however much there is and how old", async () => {
  await writeTooMuch();
  for (let time = 0; time < 2; time += 1) {
    const log = await openLocalLog(folder);
    expect(await readAll(log, partitionOf(log))).toHaveLength(RECORDS);
    expect(log.stats().reclaimed.get("t")).toBeUndefined();
    await log.close();
  }
  // Retention would have had something to take: the gateway itself does.
  await (await openLog(folder, { segmentBytes: SEGMENT_BYTES })).close();
  const log = await openLocalLog(folder);
  expect(partitionOf(log).logStartOffset).toBeGreaterThan(0);
  await log.close();
});
