/**
 * What every log must do, whatever keeps its bytes. Give it a place to open logs in; it opens,
 * closes and opens them again.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { toOffset } from "../../src/base/offset.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import type { LogOptions } from "../../src/log/options.ts";
import { baseOffset, isLogAppendTime, maxTimestampMs } from "../../src/wire/record-batch.ts";
import { batchOf } from "../support/batches.ts";
import { readAll, valuesOf } from "../support/read-all.ts";

export interface LogPlace {
  open(options: Partial<LogOptions>): Promise<Log>;
  remove(): Promise<void>;
}

const SEGMENT_BYTES = 128 * 1024;
const SMALL = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };
const T0 = 1_700_000_000_000;

export function logSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    let place: LogPlace;
    let log: Log;
    let clock: ManualClock;

    async function open(options: Partial<LogOptions> = {}): Promise<void> {
      log = await place.open({ ...SMALL, clock, ...options });
    }

    async function reopen(options: Partial<LogOptions> = {}): Promise<void> {
      await log.close();
      await open(options);
    }

    async function append(partition: Partition, ...values: string[]): Promise<void> {
      const group = log.group();
      for (const value of values) {
        group.addRecord(partition, clock.nowMs(), null, Buffer.from(value));
      }
      await group.flushed;
    }

    /** Fills and seals at least one segment with records of `partition`. */
    async function fillSegment(partition: Partition): Promise<void> {
      const before = log.stats().segmentsSealed;
      const value = Buffer.alloc(8000, "f");
      for (let round = 0; round < 60 && log.stats().segmentsSealed === before; round += 1) {
        const group = log.group();
        group.addRecord(partition, clock.nowMs(), null, value);
        await group.flushed;
      }
      expect(log.stats().segmentsSealed).toBeGreaterThan(before);
    }

    async function partitionOf(topic: string, index = 0): Promise<Partition> {
      const found = log.topic(topic) ?? (await log.createTopic(topic, { partitions: index + 1 }));
      return found.partitions[index] as Partition;
    }

    beforeEach(async () => {
      clock = new ManualClock(T0);
      place = await newPlace();
      await open();
    });

    afterEach(async () => {
      await log.close();
      await place.remove();
    });

    test("records come back in the order in which they were added, with consecutive offsets", async () => {
      const partition = await partitionOf("t");
      await append(partition, "a", "b");
      await append(partition, "c");
      const found = await readAll(log, partition);
      expect(found.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
        [0, "a"],
        [1, "b"],
        [2, "c"],
      ]);
    });

    test("keys, nulls, headers and timestamps come back as they were", async () => {
      const partition = await partitionOf("t");
      const group = log.group();
      group.addRecord(partition, T0 + 5, Buffer.from("k"), null);
      group.addRecord(partition, T0 - 5, null, Buffer.from("v"));
      await group.flushed;
      const found = await readAll(log, partition);
      expect(found).toMatchObject([
        { timestampMs: T0 + 5, key: Buffer.from("k"), value: null, headers: [] },
        { timestampMs: T0 - 5, key: null, value: Buffer.from("v"), headers: [] },
      ]);
    });

    test("nothing can be read before it is flushed", async () => {
      const partition = await partitionOf("t");
      const group = log.group();
      group.addRecord(partition, T0, null, Buffer.from("a"));
      expect(partition.highWatermark).toBe(0);
      expect((await log.read(partition, toOffset(0), 1000)).batches).toEqual([]);
      await group.flushed;
      expect(partition.highWatermark).toBe(1);
    });

    test("one group takes records of many partitions and whole batches, in order of arrival", async () => {
      const first = await partitionOf("one");
      const second = await partitionOf("two");
      const group = log.group();
      group.addRecord(first, T0, null, Buffer.from("a"));
      const placed = group.addBatch(first, batchOf(["b", "c"]));
      group.addRecord(first, T0, null, Buffer.from("d"));
      group.addRecord(second, T0, null, Buffer.from("x"));
      await group.flushed;
      expect(placed.baseOffset).toBe(1);
      expect(placed.logAppendTimeMs).toBe(-1);
      expect(await valuesOf(log, first)).toEqual(["a", "b", "c", "d"]);
      expect(await valuesOf(log, second)).toEqual(["x"]);
    });

    test("everything is there again after a restart, and appends go on where they stood", async () => {
      const partition = await partitionOf("t");
      await append(partition, "a", "b");
      await reopen();
      const again = log.topic("t")?.partitions[0] as Partition;
      expect(again.highWatermark).toBe(2);
      await append(again, "c");
      expect(await valuesOf(log, again)).toEqual(["a", "b", "c"]);
    });

    test("a topic keeps its id, its partitions and its settings over a restart", async () => {
      const created = await log.createTopic("t", { partitions: 3, config: { retentionMs: 5000 } });
      await reopen();
      expect(log.topic("t")).toMatchObject({ name: "t", id: created.id });
      expect(log.topicById(created.id)?.partitions.map(({ id }) => id)).toEqual(
        created.partitions.map(({ id }) => id),
      );
      expect(log.topic("t")?.config.retentionMs).toBe(5000);
    });

    test("a topic is refused with a reason: name, partitions, settings, twice", async () => {
      await expect(log.createTopic("a/b", { partitions: 1 })).rejects.toMatchObject({
        code: "TOPIC_NAME_INVALID",
      });
      await expect(log.createTopic("t", { partitions: 0 })).rejects.toMatchObject({
        code: "PARTITION_COUNT_INVALID",
      });
      await expect(
        log.createTopic("t", { partitions: 1, config: { retentionMs: -7 } }),
      ).rejects.toMatchObject({ code: "TOPIC_CONFIG_INVALID" });
      const both = await Promise.allSettled([
        log.createTopic("t", { partitions: 1 }),
        log.createTopic("t", { partitions: 1 }),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    });

    test("a deleted topic takes no more, and its successor begins at offset 0", async () => {
      const partition = await partitionOf("t");
      await append(partition, "old");
      const { id } = log.topic("t") as { id: string };
      await log.deleteTopic("t");
      expect(log.topic("t")).toBeUndefined();
      expect(log.topicById(id)).toBeUndefined();
      expect(() => log.group().addRecord(partition, T0, null, null)).toThrow(/deleted/);
      await expect(log.deleteTopic("t")).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
      const next = await partitionOf("t");
      expect(next.highWatermark).toBe(0);
      await append(next, "new");
      await reopen();
      expect(await valuesOf(log, await partitionOf("t"))).toEqual(["new"]);
    });

    test("a read begins with the batch that holds the offset, and stops at its bytes", async () => {
      const partition = await partitionOf("t");
      const group = log.group();
      for (const name of ["a", "b", "c"]) group.addBatch(partition, batchOf([name, `${name}2`]));
      await group.flushed;
      const inside = await log.read(partition, toOffset(3), 1);
      expect(inside.batches.map((batch) => baseOffset(batch))).toEqual([2]);
      expect(inside.nextOffset).toBe(4);
      const two = await log.read(partition, toOffset(0), 2 * inside.bytes);
      expect(two.batches.map((batch) => baseOffset(batch))).toEqual([0, 2]);
      const atEnd = await log.read(partition, toOffset(6), 1000);
      expect(atEnd).toMatchObject({ batches: [], nextOffset: 6 });
    });

    test("a read outside of the log is refused", async () => {
      const partition = await partitionOf("t");
      await append(partition, "a");
      await expect(log.read(partition, toOffset(2), 100)).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
    });

    test("small state is there when its group is flushed, with the offsets it was told", async () => {
      const partition = await partitionOf("t");
      await append(partition, "a");
      const group = log.group();
      const placed = group.addBatch(partition, batchOf(["b"]));
      group.putState("seen/1", () => Buffer.from(String(placed.baseOffset)));
      group.putState("seen/2", Buffer.from("two"));
      expect(log.state.get("seen/1")).toBeUndefined();
      await group.flushed;
      expect(Buffer.from(log.state.get("seen/1") ?? []).toString()).toBe("1");
      await reopen();
      expect([...log.state.entries("seen/")].map(([key]) => key).sort()).toEqual([
        "seen/1",
        "seen/2",
      ]);
    });

    test("removed state stays removed, also over segments and a restart", async () => {
      const partition = await partitionOf("t");
      for (const value of [Buffer.from("x"), undefined]) {
        const group = log.group();
        group.putState("gone/1", value);
        group.putState("kept/1", Buffer.from("y"));
        await group.flushed;
      }
      await fillSegment(partition);
      await fillSegment(partition);
      await reopen();
      expect(log.state.get("gone/1")).toBeUndefined();
      expect(Buffer.from(log.state.get("kept/1") ?? []).toString()).toBe("y");
    });

    test("segments are sealed when full, and reads cross them", async () => {
      const partition = await partitionOf("t");
      await append(partition, "first");
      await fillSegment(partition);
      await fillSegment(partition);
      await append(partition, "last");
      expect(log.stats().segmentCount).toBeGreaterThanOrEqual(3);
      const values = await valuesOf(log, partition);
      expect(values.length).toBe(partition.highWatermark);
      expect([values[0], values.at(-1)]).toEqual(["first", "last"]);
      await reopen();
      expect((await valuesOf(log, await partitionOf("t"))).length).toBe(values.length);
    });

    test("a quiet partition is read across segments that hold nothing of it", async () => {
      const quiet = await partitionOf("quiet");
      const busy = await partitionOf("busy");
      await append(quiet, "a");
      await fillSegment(busy);
      await append(quiet, "b");
      await fillSegment(busy);
      await reopen();
      const again = await partitionOf("quiet");
      expect(await valuesOf(log, again)).toEqual(["a", "b"]);
      await append(again, "c");
      expect(await valuesOf(log, again)).toEqual(["a", "b", "c"]);
    });

    test("a search by time finds the first record at or after it", async () => {
      const partition = await partitionOf("t");
      const group = log.group();
      group.addBatch(partition, batchOf(["a", "b", "c"], T0));
      group.addBatch(partition, batchOf(["d", "e"], T0 + 1000));
      await group.flushed;
      expect(await log.offsetForTime(partition, T0 - 1)).toMatchObject({ offset: 0 });
      expect(await log.offsetForTime(partition, T0 + 1)).toMatchObject({ offset: 1 });
      expect(await log.offsetForTime(partition, T0 + 3)).toMatchObject({
        offset: 3,
        timestampMs: T0 + 1000,
      });
      expect(await log.offsetForTime(partition, T0 + 1002)).toBeUndefined();
      expect(await log.offsetOfMaxTimestamp(partition)).toMatchObject({ offset: 4 });
    });

    test("a search by time crosses segments", async () => {
      const partition = await partitionOf("t");
      await fillSegment(partition);
      clock.advance(60_000);
      const sealed = partition.highWatermark;
      await append(partition, "later");
      expect(await log.offsetForTime(partition, T0 + 1)).toMatchObject({ offset: sealed });
    });

    test("a topic with LogAppendTime stamps records with the gateway's clock", async () => {
      const topic = await log.createTopic("t", {
        partitions: 1,
        config: { timestampType: "LogAppendTime" },
      });
      const partition = topic.partitions[0] as Partition;
      clock.advance(777);
      const group = log.group();
      const placed = group.addBatch(partition, batchOf(["a"], T0));
      await group.flushed;
      expect(placed.logAppendTimeMs).toBe(T0 + 777);
      const { batches } = await log.read(partition, toOffset(0), 1000);
      expect(batches.map((batch) => [isLogAppendTime(batch), maxTimestampMs(batch)])).toEqual([
        [true, T0 + 777],
      ]);
    });

    test("what is too large is refused, and the rest of the group goes on", async () => {
      await log.createTopic("t", { partitions: 1, config: { messageBytesMax: 1000 } });
      const partition = await partitionOf("t");
      const group = log.group();
      group.addRecord(partition, T0, null, Buffer.from("ok"));
      expect(() => group.addRecord(partition, T0, null, Buffer.alloc(1000))).toThrow(
        /messageBytesMax/,
      );
      expect(() => group.addBatch(partition, batchOf(["x".repeat(1000)]))).toThrow(
        /messageBytesMax/,
      );
      await group.flushed;
      expect(await valuesOf(log, partition)).toEqual(["ok"]);
    });

    test("a group that gathers more than the limit is refused, not grown", async () => {
      await reopen({ pendingBytesMax: 10_000 });
      const partition = await partitionOf("t");
      const group = log.group();
      group.addRecord(partition, T0, null, Buffer.alloc(9000));
      expect(() => group.addRecord(partition, T0, null, Buffer.alloc(9000))).toThrow(
        /pendingBytesMax/,
      );
      await group.flushed;
      expect(partition.highWatermark).toBe(1);
    });

    test("retention by time takes whole segments that are old enough, oldest first", async () => {
      await reopen({ retentionCheckMs: 5 });
      await log.createTopic("t", { partitions: 1, config: { retentionMs: 60_000 } });
      const partition = await partitionOf("t");
      await fillSegment(partition);
      clock.advance(61_000);
      await fillSegment(partition);
      await fillSegment(partition);
      await expect.poll(() => partition.logStartOffset).toBeGreaterThan(0);
      await expect(log.read(partition, toOffset(0), 100)).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
      const start = partition.logStartOffset;
      const values = await valuesOf(log, partition);
      expect(values.length).toBe(partition.highWatermark - start);
      await reopen();
      expect((await partitionOf("t")).logStartOffset).toBe(start);
      expect(log.stats().reclaimed.get("t")).toEqual({ expired: start, dropped: 0 });
    });

    test("retention by bytes keeps the newest", async () => {
      await reopen({ retentionCheckMs: 5 });
      await log.createTopic("t", { partitions: 1, config: { retentionBytes: SEGMENT_BYTES } });
      const partition = await partitionOf("t");
      for (let round = 0; round < 4; round += 1) await fillSegment(partition);
      await expect.poll(() => log.stats().segmentCount).toBeLessThanOrEqual(3);
      expect(partition.logStartOffset).toBeGreaterThan(0);
    });

    test("a topic that keeps its records is not hurt by one that expires beside it", async () => {
      await reopen({ retentionCheckMs: 5 });
      await log.createTopic("short", { partitions: 1, config: { retentionMs: 1000 } });
      await log.createTopic("long", { partitions: 1, config: { retentionMs: -1 } });
      const short = await partitionOf("short");
      const long = await partitionOf("long");
      await append(short, "s");
      await append(long, "l");
      await fillSegment(short);
      clock.advance(10_000);
      await fillSegment(short);
      await expect.poll(() => short.logStartOffset).toBeGreaterThan(0);
      expect(await valuesOf(log, long)).toEqual(["l"]);
      const start = short.logStartOffset;
      await reopen();
      expect((await partitionOf("short")).logStartOffset).toBe(start);
      expect(await valuesOf(log, await partitionOf("long"))).toEqual(["l"]);
    });

    test("the disk budget drops the oldest, and tells apart what was not replicated", async () => {
      await reopen({ diskBudgetBytes: 4 * SEGMENT_BYTES });
      const partition = await partitionOf("t");
      log.setReplicationProgress(() => toOffset(3));
      while (partition.logStartOffset === 0) await fillSegment(partition);
      const taken = log.stats().reclaimed.get("t");
      expect(taken?.expired).toBe(3);
      expect((taken?.expired ?? 0) + (taken?.dropped ?? 0)).toBe(partition.logStartOffset);
      expect(log.stats().bytesOnDisk).toBeLessThanOrEqual(5 * SEGMENT_BYTES);
    });

    test("a full disk budget refuses the newest where the topic says so, and recovers", async () => {
      await reopen({ diskBudgetBytes: 4 * SEGMENT_BYTES, retentionCheckMs: 5 });
      await log.createTopic("t", { partitions: 1, config: { whenFull: "reject-new" } });
      const partition = await partitionOf("t");
      let replicated = 0;
      log.setReplicationProgress(() => toOffset(replicated));
      const value = Buffer.alloc(8000);
      const fill = async () => {
        for (let round = 0; round < 200; round += 1) {
          const group = log.group();
          group.addRecord(partition, T0, null, value);
          await group.flushed;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: "DISK_BUDGET_FULL" });
      expect(partition.logStartOffset).toBe(0);
      const accepted = partition.highWatermark;
      expect((await readAll(log, partition)).length).toBe(accepted);
      replicated = accepted;
      await expect
        .poll(async () =>
          append(partition, "again").then(
            () => "taken",
            () => "refused",
          ),
        )
        .toBe("taken");
      expect(log.stats().reclaimed.get("t")?.dropped).toBe(0);
    });

    test("a listener hears of a flush that moved one of its partitions, once", async () => {
      const first = await partitionOf("one");
      const second = await partitionOf("two");
      let calls = 0;
      const unsubscribe = log.onFlush([first, second], () => {
        calls += 1;
      });
      const group = log.group();
      group.addRecord(first, T0, null, null);
      group.addRecord(second, T0, null, null);
      await group.flushed;
      expect(calls).toBe(1);
      unsubscribe();
      await append(first, "a");
      expect(calls).toBe(1);
    });

    test("a closed log flushes what was pending and refuses the rest", async () => {
      const partition = await partitionOf("t");
      const group = log.group();
      group.addRecord(partition, T0, null, Buffer.from("a"));
      await log.close();
      await group.flushed;
      expect(() => log.group().addRecord(partition, T0, null, null)).toThrow(/closed/);
      await open();
      expect(await valuesOf(log, await partitionOf("t"))).toEqual(["a"]);
    });

    test("a map keeps its entries in byte order, over a restart, and removes what it is told", async () => {
      const map = log.keyValues("sessions");
      await map.write([
        ["b", Buffer.from("2")],
        ["a", Buffer.from("1")],
        ["é", Buffer.from("3")],
      ]);
      await map.write([["b", undefined]]);
      await reopen();
      const again = log.keyValues("sessions");
      expect([...again.entries()].map(([key]) => key)).toEqual(["a", "é"]);
      expect([...again.entries({ start: "b" })].map(([key]) => key)).toEqual(["é"]);
      expect([...again.entries({ end: "b" })].map(([key]) => key)).toEqual(["a"]);
      expect([...again.entries({ limit: 1 })].map(([key]) => key)).toEqual(["a"]);
      expect(again.get("b")).toBeUndefined();
      expect([...log.keyValues("others").entries()]).toEqual([]);
    });

    test("whatever is appended, in whatever groups, is read back from any offset", async () => {
      await log.createTopic("p", { partitions: 3 });
      const step = fc.record({
        partition: fc.integer({ min: 0, max: 2 }),
        count: fc.integer({ min: 1, max: 5 }),
        bytes: fc.integer({ min: 0, max: 9000 }),
        whole: fc.boolean(),
        wait: fc.boolean(),
      });
      const expected: string[][] = [[], [], []];
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 20 }),
          fc.boolean(),
          async (steps, restart) => {
            let last: Promise<void> = Promise.resolve();
            for (const { partition: index, count, bytes, whole, wait } of steps) {
              const partition = log.topic("p")?.partitions[index] as Partition;
              const rows = expected[index] as string[];
              const values = Array.from({ length: count }, (_, nth) =>
                `${rows.length + nth}:`.padEnd(bytes, "."),
              );
              const group = log.group();
              if (whole) group.addBatch(partition, batchOf(values));
              else for (const v of values) group.addRecord(partition, T0, null, Buffer.from(v));
              rows.push(...values);
              last = group.flushed;
              if (wait) await last;
            }
            await last;
            if (restart) await reopen();
            for (const [index, rows] of expected.entries()) {
              const partition = log.topic("p")?.partitions[index] as Partition;
              const from = Math.floor(rows.length / 2);
              expect(await valuesOf(log, partition, from)).toEqual(rows.slice(from));
            }
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
