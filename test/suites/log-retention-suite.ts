/**
 * What leaves a log, and when, whatever keeps its bytes: by age, by bytes, by the disk budget.
 */
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import { readAll, valuesOf } from "../support/read-all.ts";
import { LogFixture, type LogPlace, SEGMENT_BYTES, T0 } from "./log-fixture.ts";

export function logRetentionSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new LogFixture(newPlace);

    test("retention by time takes whole segments that are old enough, oldest first", async () => {
      await fixture.reopen({ retentionCheckMs: 5 });
      await fixture.log.createTopic("t", { partitions: 1, config: { retentionMs: 60_000 } });
      const partition = await fixture.partitionOf("t");
      await fixture.fillSegment(partition);
      fixture.clock.advance(61_000);
      await fixture.fillSegment(partition);
      await fixture.fillSegment(partition);
      await expect.poll(() => partition.logStartOffset).toBeGreaterThan(0);
      await expect(fixture.log.read(partition, toOffset(0), 100)).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
      });
      const start = partition.logStartOffset;
      const values = await valuesOf(fixture.log, partition);
      expect(values.length).toBe(partition.highWatermark - start);
      await fixture.reopen();
      expect((await fixture.partitionOf("t")).logStartOffset).toBe(start);
      expect(fixture.log.stats().reclaimed.get("t")).toMatchObject({ expired: start, dropped: 0 });
    });

    test("retention by bytes keeps the newest", async () => {
      await fixture.reopen({ retentionCheckMs: 5 });
      await fixture.log.createTopic("t", {
        partitions: 1,
        config: { retentionBytes: SEGMENT_BYTES },
      });
      const partition = await fixture.partitionOf("t");
      for (let round = 0; round < 4; round += 1) await fixture.fillSegment(partition);
      await expect.poll(() => fixture.log.stats().segmentCount).toBeLessThanOrEqual(3);
      expect(partition.logStartOffset).toBeGreaterThan(0);
    });

    test("a topic that keeps its records is not hurt by one that expires beside it", async () => {
      await fixture.reopen({ retentionCheckMs: 5 });
      await fixture.log.createTopic("short", { partitions: 1, config: { retentionMs: 1000 } });
      await fixture.log.createTopic("long", { partitions: 1, config: { retentionMs: -1 } });
      const short = await fixture.partitionOf("short");
      const long = await fixture.partitionOf("long");
      await fixture.append(short, "s");
      await fixture.append(long, "l");
      await fixture.fillSegment(short);
      fixture.clock.advance(10_000);
      await fixture.fillSegment(short);
      await expect.poll(() => short.logStartOffset).toBeGreaterThan(0);
      expect(await valuesOf(fixture.log, long)).toEqual(["l"]);
      const start = short.logStartOffset;
      await fixture.reopen();
      expect((await fixture.partitionOf("short")).logStartOffset).toBe(start);
      expect(await valuesOf(fixture.log, await fixture.partitionOf("long"))).toEqual(["l"]);
    });

    test("the disk budget drops the oldest, and tells apart what was not replicated", async () => {
      await fixture.reopen({ diskBudgetBytes: 4 * SEGMENT_BYTES });
      const partition = await fixture.partitionOf("t");
      fixture.log.setReplicationProgress(() => toOffset(3));
      while (partition.logStartOffset === 0) await fixture.fillSegment(partition);
      const taken = fixture.log.stats().reclaimed.get("t");
      expect(taken?.expired).toBe(3);
      expect((taken?.expired ?? 0) + (taken?.dropped ?? 0)).toBe(partition.logStartOffset);
      expect(fixture.log.stats().bytesOnDisk).toBeLessThanOrEqual(5 * SEGMENT_BYTES);
    });

    test("a full disk budget refuses the newest where the topic says so, and recovers", async () => {
      await fixture.reopen({ diskBudgetBytes: 4 * SEGMENT_BYTES, retentionCheckMs: 5 });
      await fixture.log.createTopic("t", { partitions: 1, config: { whenFull: "reject-new" } });
      const partition = await fixture.partitionOf("t");
      let replicated = 0;
      fixture.log.setReplicationProgress(() => toOffset(replicated));
      const value = Buffer.alloc(8000);
      const fill = async () => {
        for (let round = 0; round < 200; round += 1) {
          const group = fixture.log.group();
          group.addRecord(partition, T0, null, value);
          await group.flushed;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: "DISK_BUDGET_FULL" });
      expect(partition.logStartOffset).toBe(0);
      const accepted = partition.highWatermark;
      expect((await readAll(fixture.log, partition)).length).toBe(accepted);
      replicated = accepted;
      await expect
        .poll(async () =>
          fixture.append(partition, "again").then(
            () => "taken",
            () => "refused",
          ),
        )
        .toBe("taken");
      expect(fixture.log.stats().reclaimed.get("t")?.dropped).toBe(0);
    });

    test("the disk budget takes nothing of a compacted topic, which takes no more at half of it", async () => {
      await fixture.reopen({ diskBudgetBytes: 6 * SEGMENT_BYTES, retentionCheckMs: 5 });
      await fixture.log.createTopic("t", {
        partitions: 1,
        config: { cleanupPolicy: "compact" },
      });
      const partition = await fixture.partitionOf("t");
      const put = async (key: number, size = 8000) => {
        const group = fixture.log.group();
        group.addRecord(partition, T0, Buffer.from(`${key}`), Buffer.alloc(size, "f"));
        await group.flushed;
      };
      // Each key once: there is nothing to compact.
      const fill = async () => {
        for (let key = 0; key < 1000; key += 1) await put(key);
      };
      await expect(fill()).rejects.toMatchObject({
        code: "DISK_BUDGET_FULL",
        message: expect.stringContaining("hold half of the disk budget") as string,
      });
      const kept = partition.highWatermark;
      // Others go on, and give way to each other.
      const other = await fixture.partitionOf("other");
      while (other.logStartOffset === 0) await fixture.fillSegment(other);
      await expect(put(0)).rejects.toMatchObject({ code: "DISK_BUDGET_FULL" });
      expect([partition.logStartOffset, partition.highWatermark]).toEqual([0, kept]);
      expect(await readAll(fixture.log, partition)).toHaveLength(kept);
      expect(fixture.log.stats().bytesOnDisk).toBeLessThanOrEqual(7 * SEGMENT_BYTES);
      // A topic that may expire gives way like any other.
      await fixture.log.configureTopic("t", { cleanupPolicy: "compact,delete" });
      while (partition.logStartOffset === 0) await fixture.fillSegment(other);
      await put(0);
    });

    test("what stands beside a compacted topic's records gives way, and its room comes back", async () => {
      await fixture.reopen({ diskBudgetBytes: 6 * SEGMENT_BYTES, retentionCheckMs: 5 });
      await fixture.log.createTopic("t", {
        partitions: 1,
        config: { cleanupPolicy: "compact" },
      });
      const partition = await fixture.partitionOf("t");
      const other = await fixture.partitionOf("other");
      const keys = 12;
      const hasFreed = () =>
        expect
          .poll(() => fixture.log.stats().bytesOnDisk, { timeout: 10_000 })
          .toBeLessThanOrEqual(6 * SEGMENT_BYTES);
      for (let key = 0; key < keys; key += 1) {
        const group = fixture.log.group();
        group.addRecord(partition, T0, Buffer.from(`${key}`), Buffer.from(`${key}`));
        await group.flushed;
        await fixture.fillSegment(other);
        await hasFreed();
      }
      expect(partition.logStartOffset).toBe(0);
      expect(other.logStartOffset).toBeGreaterThan(0);
      const values = Array.from({ length: keys }, (_, key) => `${key}`);
      expect(await valuesOf(fixture.log, partition)).toEqual(values);
      await fixture.reopen();
      expect(await valuesOf(fixture.log, await fixture.partitionOf("t"))).toEqual(values);
    });
  });
}
