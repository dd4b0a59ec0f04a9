import { cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toOffset } from "../../../../src/base/offset.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import { readAll, valuesOf } from "../../../support/read-all.ts";

const SEGMENT_BYTES = 128 * 1024;
const OPTIONS = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };
const MANY = 400;

describe("a data folder that somebody or something has damaged", () => {
  /** A folder with some full segments, made once; each test damages a copy. */
  let pristine: string;
  let directory: string;
  let log: Log | undefined;

  beforeAll(async () => {
    pristine = await mkdtemp(join(tmpdir(), "tributary-pristine-"));
    const first = await openLog(pristine, OPTIONS);
    await first.createTopic("t", { partitions: 1 });
    const partition = partitionOf(first);
    for (let nth = 0; nth < MANY; nth += 1) {
      const group = first.group();
      group.addRecord(partition, 1, null, Buffer.from(`${nth}`.padEnd(1500)));
      group.putState("kept/1", Buffer.from(`${nth}`));
      await group.flushed;
    }
    await first.close();
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-damage-"));
    await cp(pristine, directory, { recursive: true });
    log = undefined;
  });

  afterAll(() => rm(pristine, { recursive: true }));

  afterEach(async () => {
    await log?.close();
    await rm(directory, { recursive: true });
  });

  function partitionOf(opened: Log): Partition {
    return opened.topic("t")?.partitions[0] as Partition;
  }

  async function segmentFiles(): Promise<string[]> {
    const files = await readdir(join(directory, "segments"));
    return files
      .filter((file) => file.endsWith(".mdb"))
      .sort()
      .map((file) => join(directory, "segments", file));
  }

  async function overwrite(file: string, from: number, bytes: Buffer): Promise<void> {
    const handle = await open(file, "r+");
    await handle.write(bytes, 0, bytes.length, from);
    await handle.close();
  }

  const kinds: [string, (file: string) => Promise<void>][] = [
    ["cut to nothing", (file) => truncate(file, 0)],
    ["cut short", (file) => truncate(file, 8192)],
    ["overwritten with text", (file) => writeFile(file, "not a segment ".repeat(10_000))],
    ["overwritten at its head", (file) => overwrite(file, 0, Buffer.alloc(8192, 0xaa))],
    ["overwritten in its pages", (file) => overwrite(file, 8192, Buffer.alloc(65_536, 0xaa))],
    ["zeroed in its pages", (file) => overwrite(file, 8192, Buffer.alloc(65_536))],
  ];

  test.each(kinds)(
    "the newest segment, %s, is set aside and the log goes on",
    async (_, damage) => {
      const files = await segmentFiles();
      expect(files.length).toBeGreaterThan(3);
      await damage(files.at(-1) as string);
      log = await openLog(directory, OPTIONS);
      const partition = partitionOf(log);
      expect(log.stats().damaged).toHaveLength(1);
      expect(await readdir(join(directory, "damaged"))).toHaveLength(1);
      // Nobody can say how many records were lost: no offset may be given a second time.
      expect(partition.highWatermark).toBeGreaterThan(MANY);
      expect(partition.leaderEpoch).toBe(1);
      const before = await readAll(log, partition);
      expect(before.length).toBeGreaterThan(100);
      // So a consumer that stands among the lost records learns it (KIP-320).
      const endOffset = (before.at(-1)?.offset ?? 0) + 1;
      expect(log.endOfEpoch(partition, 0)).toEqual({ leaderEpoch: 0, endOffset });
      const { highWatermark } = partition;
      expect(log.endOfEpoch(partition, 1)).toEqual({ leaderEpoch: 1, endOffset: highWatermark });
      expect(log.endOfEpoch(partition, 2)).toBeUndefined();
      const later = await log.createTopic("later", { partitions: 1 });
      expect(later.partitions[0]?.leaderEpoch).toBe(1);
      const group = log.group();
      group.addRecord(partition, 2, null, Buffer.from("after"));
      await group.flushed;
      expect(log.leaderEpochAt(partition, partition.logStartOffset)).toBe(0);
      expect(log.leaderEpochAt(partition, highWatermark)).toBe(1);
      await log.close();
      log = await openLog(directory, OPTIONS);
      expect(log.endOfEpoch(partitionOf(log), 0)).toEqual({ leaderEpoch: 0, endOffset });
      const values = await valuesOf(log, partitionOf(log));
      expect(values.length).toBe(before.length + 1);
      expect(values.at(-1)).toBe("after");
    },
  );

  test.each(kinds)("a sealed segment, %s, is set aside when it is read", async (_, damage) => {
    const files = await segmentFiles();
    await damage(files[1] as string);
    log = await openLog(directory, OPTIONS);
    const partition = partitionOf(log);
    expect(partition.highWatermark).toBe(MANY);
    const values = await valuesOf(log, partition);
    expect(values.length).toBeLessThan(MANY);
    expect(values.length).toBeGreaterThan(MANY / 2);
    expect([values[0]?.trim(), values.at(-1)?.trim()]).toEqual(["0", `${MANY - 1}`]);
    expect(log.stats().damaged).toHaveLength(1);
  });

  test("a batch whose bytes were changed is skipped, and its neighbours are served", async () => {
    const file = (await segmentFiles())[1] as string;
    const handle = await open(file, "r+");
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(size);
    await handle.read(bytes, 0, size, 0);
    // LMDB copies pages when it writes: the text stands in pages long free, too.
    const number = /(\d+) {500}/.exec(bytes.toString("latin1", 40_960))?.[1] as string;
    const text = Buffer.from(number.padEnd(500));
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      await handle.write(Buffer.from("X"), 0, 1, at + 50);
    }
    await handle.close();
    log = await openLog(directory, OPTIONS);
    const values = await valuesOf(log, partitionOf(log));
    expect(values).toHaveLength(MANY - 1);
    expect(values.some((value) => value.includes("X"))).toBe(false);
    // Kafka's clients check for themselves: what is read for them goes out as it is stored.
    const room = { keep: (batch: Buffer) => Buffer.from(batch) };
    const whole = await log.read(partitionOf(log), toOffset(0), 10_000_000, { room });
    expect(whole.batches).toHaveLength(MANY);
  });

  test("a batch whose base offset was changed, outside of its CRC, is skipped", async () => {
    const file = (await segmentFiles())[1] as string;
    const bytes = await readFile(file);
    // Magic 2 and what every batch here has before it: length, leader epoch 0.
    const pattern = Buffer.from("000006160000000002", "hex");
    const first = bytes.indexOf(pattern, 40_960);
    expect(first).toBeGreaterThan(0);
    const offset = Buffer.from(bytes.subarray(first - 8, first));
    const whole = Buffer.concat([offset, pattern]);
    for (let at = bytes.indexOf(whole); at >= 0; at = bytes.indexOf(whole, at + 1)) {
      await overwrite(file, at, Buffer.alloc(8, 0x7f));
    }
    log = await openLog(directory, OPTIONS);
    expect(await valuesOf(log, partitionOf(log))).toHaveLength(MANY - 1);
  });

  test("the newest segment that no commit reached is made anew", async () => {
    const newest = (await segmentFiles()).at(-1) as string;
    const next = newest.replace(/(\d+)\.mdb$/, (_, digits: string) => {
      return `${String(Number(digits) + 1).padStart(10, "0")}.mdb`;
    });
    await writeFile(next, "");
    log = await openLog(directory, OPTIONS);
    const partition = partitionOf(log);
    expect(log.stats().damaged).toEqual([]);
    expect(partition.highWatermark).toBe(MANY);
    expect((await readAll(log, partition)).length).toBe(MANY);
    expect(Buffer.from(log.state.get("kept/1") ?? []).toString()).toBe(`${MANY - 1}`);
  });

  test("a second opening is refused while the first is open, by name", async () => {
    log = await openLog(directory, OPTIONS);
    await expect(openLog(directory, OPTIONS)).rejects.toMatchObject({
      code: "DATA_DIR_LOCKED",
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  test.each(["tributary log format 99\n", "tributary log format 0\n", "something else"])(
    "a folder of another format (%j) is refused, and left as it was",
    async (text) => {
      await writeFile(join(directory, "FORMAT"), text);
      await expect(openLog(directory, OPTIONS)).rejects.toMatchObject({
        code: "DATA_FORMAT_UNSUPPORTED",
      });
      expect(await readFile(join(directory, "FORMAT"), "utf8")).toBe(text);
    },
  );

  test("a folder of format 1 is opened, with all it holds, and says the newest format from then on", async () => {
    // What version 1 wrote is what version 2 writes where there are no transactions.
    await writeFile(join(directory, "FORMAT"), "tributary log format 1\n");
    log = await openLog(directory, OPTIONS);
    expect(await readFile(join(directory, "FORMAT"), "utf8")).toBe("tributary log format 4\n");
    expect(await readdir(directory)).not.toContain("FORMAT.new");
    const partition = partitionOf(log);
    expect((await readAll(log, partition)).length).toBe(MANY);
    expect(partition.lastStableOffset).toBe(MANY);
    expect(Buffer.from(log.state.get("kept/1") ?? []).toString()).toBe(`${MANY - 1}`);
  });

  test("a folder that cannot be made is refused with the option to change", async () => {
    for (const folder of [join(directory, "FORMAT"), "/proc/nothing/here"]) {
      await expect(openLog(folder, OPTIONS)).rejects.toMatchObject({
        code: "DATA_DIR_UNWRITABLE",
        message: expect.stringContaining("--data"),
      });
    }
  });
});
