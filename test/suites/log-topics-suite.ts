/**
 * Topics that change, whatever keeps a log's bytes: more partitions, deleted records, settings that
 * come and go, and how many of all that there may be.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import type { Partition, TopicChange } from "../../src/log/contract.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../src/log/options.ts";
import { batchOf } from "../support/batches.ts";
import { valuesOf } from "../support/read-all.ts";
import { LogFixture, type LogPlace, SEGMENT_BYTES, T0 } from "./log-fixture.ts";

export function logTopicsSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new LogFixture(newPlace);

    test("a topic that grows keeps its partitions and their records, also over a restart", async () => {
      const { id } = await fixture.log.createTopic("t", { partitions: 2 });
      const first = await fixture.partitionOf("t");
      await fixture.append(first, "a");
      const grown = await fixture.log.addPartitions("t", 4);
      expect(grown.id).toBe(id);
      expect(grown.partitions[0]).toBe(first);
      expect(fixture.log.topicById(id)?.partitions).toHaveLength(4);
      await fixture.append(grown.partitions[3] as Partition, "d");
      await fixture.reopen();
      const again = fixture.log.topic("t")?.partitions ?? [];
      expect(again.map(({ id: partitionId }) => partitionId)).toEqual(
        grown.partitions.map(({ id: partitionId }) => partitionId),
      );
      expect(await valuesOf(fixture.log, again[0] as Partition)).toEqual(["a"]);
      expect(await valuesOf(fixture.log, again[3] as Partition)).toEqual(["d"]);
    });

    test("partitions cannot become fewer, nor more than a topic may have", async () => {
      await fixture.log.createTopic("t", { partitions: 3 });
      for (const total of [3, 2, 0, 1025, 3.5]) {
        const wanted = fixture.log.addPartitions("t", total);
        await expect(wanted).rejects.toMatchObject({ code: "PARTITION_COUNT_INVALID" });
      }
      await expect(fixture.log.addPartitions("no", 2)).rejects.toMatchObject({
        code: "TOPIC_UNKNOWN",
      });
    });

    test("topics and partitions have a limit in all, and deleting makes room", async () => {
      await fixture.reopen({ topicsMax: 2, partitionsMax: 5 });
      const full = { code: "TOPIC_LIMIT_REACHED" };
      await fixture.log.createTopic("a", { partitions: 2 });
      await expect(fixture.log.createTopic("b", { partitions: 4 })).rejects.toMatchObject(full);
      await fixture.log.createTopic("b", { partitions: 2 });
      await expect(fixture.log.createTopic("c", { partitions: 1 })).rejects.toMatchObject(full);
      await expect(fixture.log.addPartitions("a", 4)).rejects.toMatchObject(full);
      await fixture.log.addPartitions("a", 3);
      await fixture.log.deleteTopic("b");
      await fixture.log.createTopic("c", { partitions: 2 });
    });

    test("topics that are created at the same time count against the limit together", async () => {
      await fixture.reopen({ topicsMax: 3 });
      const created = await Promise.allSettled(
        ["a", "b", "c", "d", "e"].map((topic) => fixture.log.createTopic(topic, { partitions: 1 })),
      );
      expect(created.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    });

    test("a setting that is taken back is the default's again; the own ones are told apart", async () => {
      const config = { retentionMs: 5000, cleanupPolicy: "compact", inert: { "segment.ms": "7" } };
      await fixture.log.createTopic("t", { partitions: 1, config: config as object });
      await fixture.log.configureTopic("t", {
        whenFull: "reject-new",
        retentionMs: null,
        inert: { "flush.ms": "9" },
      });
      await fixture.reopen();
      const topic = fixture.log.topic("t");
      expect(topic?.ownConfig).toEqual({ whenFull: "reject-new", cleanupPolicy: "compact" });
      expect(topic?.config.retentionMs).toBe(DEFAULT_TOPIC_CONFIG.retentionMs);
      expect(topic?.inert).toEqual({ "segment.ms": "7", "flush.ms": "9" });
      const bare = await fixture.log.configureTopic("t", ({ ownConfig }) => ({
        ...Object.fromEntries(Object.keys(ownConfig).map((setting) => [setting, null])),
        inert: { "segment.ms": null, "flush.ms": null },
      }));
      expect(bare).toMatchObject({ ownConfig: {}, inert: {}, config: DEFAULT_TOPIC_CONFIG });
    });

    test("settings that make no sense, and too many without effect, are refused whole", async () => {
      await fixture.log.createTopic("t", { partitions: 1 });
      const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`name.${at}`, "1"]));
      for (const change of [
        { cleanupPolicy: "shred" },
        { deleteRetentionMs: -1 },
        { retentionMs: 5, inert: { long: "x".repeat(1001) } },
        { inert: many },
      ]) {
        await expect(fixture.log.configureTopic("t", change as object)).rejects.toMatchObject({
          code: "TOPIC_CONFIG_INVALID",
        });
      }
      expect(fixture.log.topic("t")?.ownConfig).toEqual({});
    });

    test("whoever listens is told what happened to which topic, after it has", async () => {
      const told: (TopicChange & { partitions: number | undefined })[] = [];
      const stop = fixture.log.onTopics((change) => {
        told.push({ ...change, partitions: fixture.log.topic(change.name)?.partitions.length });
      });
      await fixture.log.createTopic("t", { partitions: 1 });
      await fixture.log.addPartitions("t", 3);
      await fixture.log.configureTopic("t", { retentionMs: 5 });
      await fixture.log.deleteTopic("t");
      stop();
      await fixture.log.createTopic("u", { partitions: 1 });
      expect(told).toEqual([
        { name: "t", kind: "created", partitions: 1 },
        { name: "t", kind: "grown", partitions: 3 },
        { name: "t", kind: "configured", partitions: 3 },
        { name: "t", kind: "deleted", partitions: undefined },
      ]);
    });

    test("deleted records are gone, also from the middle of a batch and over a restart", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a", "b", "c", "d");
      expect(await fixture.log.deleteRecords(partition, toOffset(2))).toBe(2);
      await expect(fixture.log.read(partition, toOffset(1), 100)).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
      expect(await valuesOf(fixture.log, partition)).toEqual(["c", "d"]);
      await fixture.reopen();
      const again = await fixture.partitionOf("t");
      expect(again).toMatchObject({ logStartOffset: 2, highWatermark: 4 });
      expect(fixture.log.stats().reclaimed.get("t")).toMatchObject({ expired: 2, dropped: 0 });
    });

    test("deleting moves the log start forward alone, and to the end at most", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a", "b", "c");
      await expect(fixture.log.deleteRecords(partition, toOffset(4))).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
      expect(await fixture.log.deleteRecords(partition, toOffset(3))).toBe(3);
      expect(await fixture.log.deleteRecords(partition, toOffset(1))).toBe(3);
      await fixture.append(partition, "d");
      expect(await valuesOf(fixture.log, partition)).toEqual(["d"]);
    });

    test("what was not replicated counts as dropped when a client deletes it", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a", "b", "c", "d", "e");
      fixture.log.setReplicationProgress(() => toOffset(2));
      await fixture.log.deleteRecords(partition, toOffset(4));
      await fixture.log.deleteRecords(partition, toOffset(5));
      expect(fixture.log.stats().reclaimed.get("t")).toMatchObject({ expired: 2, dropped: 3 });
    });

    test("a sealed segment goes when all that it held has been deleted", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.fillSegment(partition);
      await fixture.append(partition, "last");
      const before = fixture.log.stats().segmentCount;
      const bytes = fixture.log.bytesOf(partition);
      await fixture.log.deleteRecords(partition, partition.highWatermark);
      expect(fixture.log.stats().segmentCount).toBe(before - 1);
      expect(fixture.log.bytesOf(partition)).toBeLessThan(bytes - SEGMENT_BYTES / 2);
      await fixture.append(partition, "more");
      expect(await valuesOf(fixture.log, partition)).toEqual(["more"]);
    });

    test("searches by time do not find what was deleted", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      for (const afterMs of [90, 10, 30, 20]) {
        group.addRecord(partition, T0 + afterMs, null, Buffer.from(`${afterMs}`));
      }
      await group.flushed;
      await fixture.append(partition, "now");
      const { log } = fixture;
      expect(await log.offsetOfMaxTimestamp(partition)).toMatchObject({ offset: 0 });
      await log.deleteRecords(partition, toOffset(1));
      expect(await log.offsetOfMaxTimestamp(partition)).toMatchObject({
        offset: 2,
        timestampMs: T0 + 30,
      });
      expect(await log.offsetForTime(partition, T0 + 15)).toMatchObject({ offset: 2 });
      expect(await log.offsetForTime(partition, T0 + 31)).toBeUndefined();
      await log.deleteRecords(partition, toOffset(5));
      expect(await log.offsetOfMaxTimestamp(partition)).toBeUndefined();
      expect(await log.offsetForTime(partition, 0)).toBeUndefined();
    });

    test("a search by time goes on over many turns, and ends when nobody wants it any more", async () => {
      await fixture.reopen({ segmentBytes: 8 * SEGMENT_BYTES });
      const partition = await fixture.partitionOf("t");
      for (let round = 0; round < 5; round += 1) {
        const group = fixture.log.group();
        for (let at = 0; at < 500; at += 1) group.addBatch(partition, batchOf(["x"], T0 + round));
        await group.flushed;
      }
      const { log } = fixture;
      expect(await log.offsetForTime(partition, T0 + 4)).toMatchObject({ offset: 2000 });
      const gone = new AbortController();
      const search = log.offsetForTime(partition, T0 + 4, gone.signal);
      gone.abort();
      expect(await search).toBeUndefined();
      const newest = log.offsetOfMaxTimestamp(partition, AbortSignal.abort());
      expect(await newest).toBeUndefined();
    });

    test("a topic that is only compacted keeps what time and bytes would expire", async () => {
      await fixture.reopen({ retentionCheckMs: 5 });
      const config = { retentionMs: 1, retentionBytes: 1 };
      const policies = ["compact", "compact,delete"] as const;
      const [kept, expiring] = await Promise.all(
        policies.map(async (cleanupPolicy, at) => {
          const all = { partitions: 1, config: { ...config, cleanupPolicy } };
          const { partitions } = await fixture.log.createTopic(`t-${at}`, all);
          return partitions[0] as Partition;
        }),
      );
      await fixture.append(kept as Partition, "key 1");
      for (let round = 0; round < 2; round += 1) {
        await fixture.fillSegment(expiring as Partition);
        fixture.clock.advance(1000);
      }
      await expect.poll(() => expiring?.logStartOffset).toBeGreaterThan(0);
      expect(await valuesOf(fixture.log, kept as Partition)).toEqual(["key 1"]);
    });

    test("whatever is appended, deleted and reopened, what is left is what was not deleted", async () => {
      const step = fc.oneof(
        fc.record({ append: fc.integer({ min: 1, max: 5 }) }),
        fc.record({ keep: fc.integer({ min: 0, max: 8 }) }),
        fc.constant("reopen" as const),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          await fixture.log.deleteTopic("t").catch(() => {});
          let partition = await fixture.partitionOf("t");
          const values: string[] = [];
          let start = 0;
          for (const each of steps) {
            if (each === "reopen") {
              await fixture.reopen();
              partition = await fixture.partitionOf("t");
            } else if ("append" in each) {
              const more = Array.from({ length: each.append }, (_, at) => `${values.length + at}`);
              await fixture.append(partition, ...more);
              values.push(...more);
            } else {
              start = Math.max(start, values.length - each.keep);
              await fixture.log.deleteRecords(partition, toOffset(start));
            }
            expect(await valuesOf(fixture.log, partition)).toEqual(values.slice(start));
          }
          const taken = fixture.log.stats().reclaimed.get("t")?.expired ?? 0;
          expect(taken).toBe(start);
        }),
        { numRuns: 15 },
      );
    });
  });
}
