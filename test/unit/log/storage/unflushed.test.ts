/** Snapshots that LMDB committed and did not flush: a start must not take them for good. */
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import { FlushedMark } from "../../../../src/log/storage/meta-pages.ts";
import { readAll, valuesOf } from "../../../support/read-all.ts";

const SEGMENT_BYTES = 128 * 1024;
const OPTIONS = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };
const SEGMENT = "segments/0000000001.mdb";
const MARK_AT = 2048 + 24;
const META_BYTES = 144;

describe("a data folder with snapshots that were not flushed", () => {
  let directory: string;
  let log: Log;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-unflushed-"));
    log = await openLog(directory, OPTIONS);
  });

  afterEach(async () => {
    await log.close();
    await rm(directory, { recursive: true });
  });

  function partition(): Partition {
    return log.topic("t")?.partitions[0] as Partition;
  }

  async function append(value: string): Promise<void> {
    const group = log.group();
    group.addRecord(partition(), 1, null, Buffer.from(value));
    await group.flushed;
  }

  async function reopen(): Promise<void> {
    log = await openLog(directory, OPTIONS);
  }

  /** As if what `work` committed, up to the log's end, had not been flushed in `file`. */
  async function unflushed(file: string, work: () => Promise<unknown>): Promise<void> {
    const mark = new FlushedMark(join(directory, file));
    await work();
    await log.close();
    mark.putBack();
    mark.close();
  }

  it("opens a segment as it was flushed last, and gives the offsets again", async () => {
    await log.createTopic("t", { partitions: 1 });
    await append("flushed");
    await unflushed(SEGMENT, () => append("x".repeat(9_000)));
    // What was not flushed is what a power cut takes: the end of the file, here.
    const file = await readFile(join(directory, SEGMENT));
    await writeFile(join(directory, SEGMENT), file.fill(0, file.lastIndexOf("x") - 100));
    await reopen();
    expect(await valuesOf(log, partition())).toEqual(["flushed"]);
    await append("next");
    await log.close();
    await reopen();
    expect(await valuesOf(log, partition())).toEqual(["flushed", "next"]);
  });

  it("opens the maps as they were flushed last", async () => {
    await log.createTopic("t", { partitions: 1 });
    await unflushed("meta.mdb", () => log.createTopic("u", { partitions: 1 }));
    await reopen();
    expect(log.topics().map(({ name }) => name)).toEqual(["t"]);
    await log.createTopic("v", { partitions: 1 });
    await log.close();
    await reopen();
    expect(log.topics().map(({ name }) => name)).toEqual(["t", "v"]);
  });

  it("makes maps that were never flushed anew", async () => {
    await log.close();
    await rm(join(directory, "segments", "0000000001.mdb"));
    const file = await open(join(directory, "meta.mdb"), "r+");
    await file.write(Buffer.alloc(META_BYTES), 0, META_BYTES, MARK_AT);
    await file.close();
    await reopen();
    await log.createTopic("t", { partitions: 1 });
    await append("first");
    await log.close();
    await reopen();
    expect(await valuesOf(log, partition())).toEqual(["first"]);
  });

  it("goes on in the full segment where the next one was never flushed, and forgets its note", async () => {
    await log.createTopic("t", { partitions: 1 });
    const big = "y".repeat(100_000);
    while (log.stats().segmentsSealed === 0) await append(big);
    const sealed = Number(partition().highWatermark) - 1;
    await log.close();
    const next = await open(join(directory, "segments", "0000000002.mdb"), "r+");
    await next.write(Buffer.alloc(META_BYTES), 0, META_BYTES, MARK_AT);
    await next.write(Buffer.alloc(16), 0, 16, 24 + 128);
    await next.write(Buffer.alloc(16), 0, 16, 4096 + 24 + 128);
    await next.close();
    await reopen();
    expect(partition().highWatermark).toBe(sealed);
    const notes = [...log.keyValues("segments").entries()].map(([key]) => key);
    expect(notes).not.toContain("1");
    await append("after");
    expect(await readAll(log, partition())).toHaveLength(sealed + 1);
  });
});
