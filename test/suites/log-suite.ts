/**
 * What every log must do, whatever keeps its bytes: topics, appends, reads, state, maps, restarts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import type { Partition } from "../../src/log/contract.ts";
import { baseOffset, isLogAppendTime, maxTimestampMs } from "../../src/wire/record-batch.ts";
import { batchOf } from "../support/batches.ts";
import { readAll, valuesOf } from "../support/read-all.ts";
import { LogFixture, type LogPlace, T0 } from "./log-fixture.ts";

export function logSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new LogFixture(newPlace);

    test("records come back in the order in which they were added, with consecutive offsets", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a", "b");
      await fixture.append(partition, "c");
      const found = await readAll(fixture.log, partition);
      expect(found.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
        [0, "a"],
        [1, "b"],
        [2, "c"],
      ]);
    });

    test("keys, nulls, headers and timestamps come back as they were", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addRecord(partition, T0 + 5, Buffer.from("k"), null);
      group.addRecord(partition, T0 - 5, null, Buffer.from("v"));
      await group.flushed;
      const found = await readAll(fixture.log, partition);
      expect(found).toMatchObject([
        { timestampMs: T0 + 5, key: Buffer.from("k"), value: null, headers: [] },
        { timestampMs: T0 - 5, key: null, value: Buffer.from("v"), headers: [] },
      ]);
    });

    test("nothing can be read before it is flushed", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addRecord(partition, T0, null, Buffer.from("a"));
      expect(partition.highWatermark).toBe(0);
      expect((await fixture.log.read(partition, toOffset(0), 1000)).batches).toEqual([]);
      await group.flushed;
      expect(partition.highWatermark).toBe(1);
    });

    test("one group takes records of many partitions and whole batches, in order of arrival", async () => {
      const first = await fixture.partitionOf("one");
      const second = await fixture.partitionOf("two");
      const group = fixture.log.group();
      group.addRecord(first, T0, null, Buffer.from("a"));
      const placed = group.addBatch(first, batchOf(["b", "c"]));
      group.addRecord(first, T0, null, Buffer.from("d"));
      group.addRecord(second, T0, null, Buffer.from("x"));
      await group.flushed;
      expect(placed.baseOffset).toBe(1);
      expect(placed.logAppendTimeMs).toBe(-1);
      expect(await valuesOf(fixture.log, first)).toEqual(["a", "b", "c", "d"]);
      expect(await valuesOf(fixture.log, second)).toEqual(["x"]);
    });

    test("everything is there again after a restart, and appends go on where they stood", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a", "b");
      await fixture.reopen();
      const again = fixture.log.topic("t")?.partitions[0] as Partition;
      expect(again.highWatermark).toBe(2);
      await fixture.append(again, "c");
      expect(await valuesOf(fixture.log, again)).toEqual(["a", "b", "c"]);
    });

    test("a topic keeps its id, its partitions and its settings over a restart", async () => {
      const created = await fixture.log.createTopic("t", {
        partitions: 3,
        config: { retentionMs: 5000 },
      });
      await fixture.reopen();
      expect(fixture.log.topic("t")).toMatchObject({ name: "t", id: created.id });
      expect(fixture.log.topicById(created.id)?.partitions.map(({ id }) => id)).toEqual(
        created.partitions.map(({ id }) => id),
      );
      expect(fixture.log.topic("t")?.config.retentionMs).toBe(5000);
    });

    test("a topic is refused with a reason: name, partitions, settings, twice", async () => {
      await expect(fixture.log.createTopic("a/b", { partitions: 1 })).rejects.toMatchObject({
        code: "TOPIC_NAME_INVALID",
      });
      await expect(fixture.log.createTopic("t", { partitions: 0 })).rejects.toMatchObject({
        code: "PARTITION_COUNT_INVALID",
      });
      await expect(
        fixture.log.createTopic("t", { partitions: 1, config: { retentionMs: -7 } }),
      ).rejects.toMatchObject({ code: "TOPIC_CONFIG_INVALID" });
      const both = await Promise.allSettled([
        fixture.log.createTopic("t", { partitions: 1 }),
        fixture.log.createTopic("t", { partitions: 1 }),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    });

    test("a deleted topic takes no more, and its successor begins at offset 0", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "old");
      const { id } = fixture.log.topic("t") as { id: string };
      await fixture.log.deleteTopic("t");
      expect(fixture.log.topic("t")).toBeUndefined();
      expect(fixture.log.topicById(id)).toBeUndefined();
      expect(() => fixture.log.group().addRecord(partition, T0, null, null)).toThrow(/deleted/);
      await expect(fixture.log.deleteTopic("t")).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
      const next = await fixture.partitionOf("t");
      expect(next.highWatermark).toBe(0);
      await fixture.append(next, "new");
      await fixture.reopen();
      expect(await valuesOf(fixture.log, await fixture.partitionOf("t"))).toEqual(["new"]);
    });

    test("a read begins with the batch that holds the offset, and stops at its bytes", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      for (const name of ["a", "b", "c"]) group.addBatch(partition, batchOf([name, `${name}2`]));
      await group.flushed;
      const inside = await fixture.log.read(partition, toOffset(3), 1);
      expect(inside.batches.map((batch) => baseOffset(batch))).toEqual([2]);
      expect(inside.nextOffset).toBe(4);
      const two = await fixture.log.read(partition, toOffset(0), 2 * inside.bytes);
      expect(two.batches.map((batch) => baseOffset(batch))).toEqual([0, 2]);
      const atEnd = await fixture.log.read(partition, toOffset(6), 1000);
      expect(atEnd).toMatchObject({ batches: [], nextOffset: 6 });
    });

    test("a read outside of the log is refused", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a");
      await expect(fixture.log.read(partition, toOffset(2), 100)).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
    });

    test("small state is there when its group is flushed, with the offsets it was told", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a");
      const group = fixture.log.group();
      const placed = group.addBatch(partition, batchOf(["b"]));
      group.putState("seen/1", () => Buffer.from(String(placed.baseOffset)));
      group.putState("seen/2", Buffer.from("two"));
      expect(fixture.log.state.get("seen/1")).toBeUndefined();
      await group.flushed;
      expect(Buffer.from(fixture.log.state.get("seen/1") ?? []).toString()).toBe("1");
      await fixture.reopen();
      expect([...fixture.log.state.entries("seen/")].map(([key]) => key).sort()).toEqual([
        "seen/1",
        "seen/2",
      ]);
    });

    test("removed state stays removed, also over segments and a restart", async () => {
      const partition = await fixture.partitionOf("t");
      for (const value of [Buffer.from("x"), undefined]) {
        const group = fixture.log.group();
        group.putState("gone/1", value);
        group.putState("kept/1", Buffer.from("y"));
        await group.flushed;
      }
      await fixture.fillSegment(partition);
      await fixture.fillSegment(partition);
      await fixture.reopen();
      expect(fixture.log.state.get("gone/1")).toBeUndefined();
      expect(Buffer.from(fixture.log.state.get("kept/1") ?? []).toString()).toBe("y");
    });

    test("segments are sealed when full, and reads cross them", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "first");
      await fixture.fillSegment(partition);
      await fixture.fillSegment(partition);
      await fixture.append(partition, "last");
      expect(fixture.log.stats().segmentCount).toBeGreaterThanOrEqual(3);
      const values = await valuesOf(fixture.log, partition);
      expect(values.length).toBe(partition.highWatermark);
      expect([values[0], values.at(-1)]).toEqual(["first", "last"]);
      await fixture.reopen();
      expect((await valuesOf(fixture.log, await fixture.partitionOf("t"))).length).toBe(
        values.length,
      );
    });

    test("a quiet partition is read across segments that hold nothing of it", async () => {
      const quiet = await fixture.partitionOf("quiet");
      const busy = await fixture.partitionOf("busy");
      await fixture.append(quiet, "a");
      await fixture.fillSegment(busy);
      await fixture.append(quiet, "b");
      await fixture.fillSegment(busy);
      await fixture.reopen();
      const again = await fixture.partitionOf("quiet");
      expect(await valuesOf(fixture.log, again)).toEqual(["a", "b"]);
      await fixture.append(again, "c");
      expect(await valuesOf(fixture.log, again)).toEqual(["a", "b", "c"]);
    });

    test("a search by time finds the first record at or after it", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addBatch(partition, batchOf(["a", "b", "c"], T0));
      group.addBatch(partition, batchOf(["d", "e"], T0 + 1000));
      await group.flushed;
      expect(await fixture.log.offsetForTime(partition, T0 - 1)).toMatchObject({ offset: 0 });
      expect(await fixture.log.offsetForTime(partition, T0 + 1)).toMatchObject({ offset: 1 });
      expect(await fixture.log.offsetForTime(partition, T0 + 3)).toMatchObject({
        offset: 3,
        timestampMs: T0 + 1000,
      });
      expect(await fixture.log.offsetForTime(partition, T0 + 1002)).toBeUndefined();
      expect(await fixture.log.offsetOfMaxTimestamp(partition)).toMatchObject({ offset: 4 });
    });

    test("a search by time crosses segments", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.fillSegment(partition);
      fixture.clock.advance(60_000);
      const sealed = partition.highWatermark;
      await fixture.append(partition, "later");
      expect(await fixture.log.offsetForTime(partition, T0 + 1)).toMatchObject({ offset: sealed });
    });

    test("a topic with LogAppendTime stamps records with the gateway's clock", async () => {
      const topic = await fixture.log.createTopic("t", {
        partitions: 1,
        config: { timestampType: "LogAppendTime" },
      });
      const partition = topic.partitions[0] as Partition;
      fixture.clock.advance(777);
      const group = fixture.log.group();
      const placed = group.addBatch(partition, batchOf(["a"], T0));
      await group.flushed;
      expect(placed.logAppendTimeMs).toBe(T0 + 777);
      const { batches } = await fixture.log.read(partition, toOffset(0), 1000);
      expect(batches.map((batch) => [isLogAppendTime(batch), maxTimestampMs(batch)])).toEqual([
        [true, T0 + 777],
      ]);
    });

    test("what is too large is refused, and the rest of the group goes on", async () => {
      await fixture.log.createTopic("t", { partitions: 1, config: { messageBytesMax: 1000 } });
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addRecord(partition, T0, null, Buffer.from("ok"));
      expect(() => group.addRecord(partition, T0, null, Buffer.alloc(1000))).toThrow(
        /messageBytesMax/,
      );
      expect(() => group.addBatch(partition, batchOf(["x".repeat(1000)]))).toThrow(
        /messageBytesMax/,
      );
      await group.flushed;
      expect(await valuesOf(fixture.log, partition)).toEqual(["ok"]);
    });

    test("a group that gathers more than the limit is refused, not grown", async () => {
      await fixture.reopen({ pendingBytesMax: 10_000 });
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addRecord(partition, T0, null, Buffer.alloc(9000));
      expect(() => group.addRecord(partition, T0, null, Buffer.alloc(9000))).toThrow(
        /pendingBytesMax/,
      );
      await group.flushed;
      expect(partition.highWatermark).toBe(1);
    });

    test("a listener hears of a flush that moved one of its partitions, once", async () => {
      const first = await fixture.partitionOf("one");
      const second = await fixture.partitionOf("two");
      let calls = 0;
      const unsubscribe = fixture.log.onFlush([first, second], () => {
        calls += 1;
      });
      const group = fixture.log.group();
      group.addRecord(first, T0, null, null);
      group.addRecord(second, T0, null, null);
      await group.flushed;
      expect(calls).toBe(1);
      unsubscribe();
      await fixture.append(first, "a");
      expect(calls).toBe(1);
    });

    test("a closed log flushes what was pending and refuses the rest", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addRecord(partition, T0, null, Buffer.from("a"));
      await fixture.log.close();
      await group.flushed;
      expect(() => fixture.log.group().addRecord(partition, T0, null, null)).toThrow(/closed/);
      await fixture.open();
      expect(await valuesOf(fixture.log, await fixture.partitionOf("t"))).toEqual(["a"]);
    });

    test("a map keeps its entries in byte order, over a restart, and removes what it is told", async () => {
      const map = fixture.log.keyValues("sessions");
      await map.write([
        ["b", Buffer.from("2")],
        ["a", Buffer.from("1")],
        ["é", Buffer.from("3")],
      ]);
      await map.write([["b", undefined]]);
      await fixture.reopen();
      const again = fixture.log.keyValues("sessions");
      expect([...again.entries()].map(([key]) => key)).toEqual(["a", "é"]);
      expect([...again.entries({ start: "b" })].map(([key]) => key)).toEqual(["é"]);
      expect([...again.entries({ end: "b" })].map(([key]) => key)).toEqual(["a"]);
      expect([...again.entries({ limit: 1 })].map(([key]) => key)).toEqual(["a"]);
      expect(again.get("b")).toBeUndefined();
      expect([...fixture.log.keyValues("others").entries()]).toEqual([]);
    });

    test("a map loses a range of keys, as many at once as it is told, and nothing beside it", async () => {
      const map = fixture.log.keyValues("ranges");
      const value = Buffer.from("v");
      const inside = Array.from({ length: 50 }, (_, nth) => `b/${nth}`);
      await map.write(["a", "b", "b/", ...inside, "b0", "c"].map((key) => [key, value] as const));
      expect(await map.removeRange("b/", "b0", 30)).toBe(30);
      expect([...map.entries({ start: "b/", end: "b0" })]).toHaveLength(21);
      expect(await map.removeRange("b/", "b0", 30)).toBe(21);
      expect([...map.entries()].map(([key]) => key)).toEqual(["a", "b", "b0", "c"]);
      await fixture.reopen();
      const again = fixture.log.keyValues("ranges");
      expect([...again.entries()].map(([key]) => key)).toEqual(["a", "b", "b0", "c"]);
      expect(await again.removeRange("x", "y", 30)).toBe(0);
    });

    test("a map's keys are in the order of their bytes, whatever the characters", async () => {
      const map = fixture.log.keyValues("order");
      const keys = fc.uniqueArray(
        fc
          .string({ unit: "binary", minLength: 1, maxLength: 6 })
          .filter((key) => key.isWellFormed()),
        { maxLength: 20 },
      );
      await fc.assert(
        fc.asyncProperty(keys, async (written) => {
          await map.write(written.map((key) => [key, Buffer.from(key)] as const));
          const sorted = written.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)));
          expect([...map.entries()].map(([key]) => key)).toEqual(sorted);
          await map.write(written.map((key) => [key, undefined] as const));
        }),
        { numRuns: 12 },
      );
    });

    test("whatever is appended, in whatever groups, is read back from any offset", async () => {
      await fixture.log.createTopic("p", { partitions: 3 });
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
              const partition = fixture.log.topic("p")?.partitions[index] as Partition;
              const rows = expected[index] as string[];
              const values = Array.from({ length: count }, (_, nth) =>
                `${rows.length + nth}:`.padEnd(bytes, "."),
              );
              const group = fixture.log.group();
              if (whole) group.addBatch(partition, batchOf(values));
              else for (const v of values) group.addRecord(partition, T0, null, Buffer.from(v));
              rows.push(...values);
              last = group.flushed;
              if (wait) await last;
            }
            await last;
            if (restart) await fixture.reopen();
            for (const [index, rows] of expected.entries()) {
              const partition = fixture.log.topic("p")?.partitions[index] as Partition;
              const from = Math.floor(rows.length / 2);
              expect(await valuesOf(fixture.log, partition, from)).toEqual(rows.slice(from));
            }
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
