/**
 * What every log must do with topics that are compacted by key, whatever keeps its bytes: the newest
 * record of each key stays, with its offset and its time; what goes leaves a hole that nobody takes
 * for a loss, over restarts and at any moment of a pass.
 */
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import type { Partition } from "../../src/log/contract.ts";
import {
  COMPRESSION_CODECS,
  compressionCodec,
  lastOffsetDelta,
  recordCount,
} from "../../src/wire/record-batch.ts";
import { readAllCommitted } from "../support/read-committed.ts";
import { storedRecords } from "../support/stored-records.ts";
import { COMPACT, CompactionFixture, KEEPS_STILL } from "./compaction-fixture.ts";
import type { LogPlace } from "./log-fixture.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export function logCompactionSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new CompactionFixture(newPlace);

    test("keeps the newest record of each key, with its offset and its time", async () => {
      const partition = await fixture.compacted();
      for (const text of ["a1", "b1", "a2", "c1", "a3"]) {
        await fixture.put(partition, text.charAt(0), text.charAt(1));
        fixture.clock.advance(10);
      }
      const before = await storedRecords(fixture.log, partition);
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:b=1", "3:c=1", "4:a=3"]);
      const after = await storedRecords(fixture.log, partition);
      expect(after).toEqual(before.filter(({ offset }) => [1, 3, 4].includes(offset)));
      expect([partition.logStartOffset, partition.highWatermark]).toEqual([0, 5]);
      await fixture.reopen(KEEPS_STILL);
      const again = fixture.log.topic("t")?.partitions[0] as Partition;
      expect(await fixture.held(again)).toEqual(["1:b=1", "3:c=1", "4:a=3"]);
      expect([again.logStartOffset, again.highWatermark]).toEqual([0, 5]);
    });

    test("leaves the active segment, and what is younger than min.compaction.lag.ms, alone", async () => {
      const partition = await fixture.compacted({ minCompactionLagMs: 1000 });
      await fixture.put(partition, "a", "1");
      await fixture.put(partition, "a", "2");
      await fixture.seal();
      await fixture.put(partition, "a", "3");
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["0:a=1", "1:a=2", "2:a=3"]);
      fixture.clock.advance(1000);
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=2", "2:a=3"]);
    });

    test("waits until enough is new, or too old to wait (max.compaction.lag.ms)", async () => {
      const partition = await fixture.compacted();
      await fixture.put(partition, "a", "1");
      await fixture.put(partition, "a", "2");
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=2"]);
      await fixture.log.configureTopic("t", { minCleanableDirtyRatio: 1 });
      await fixture.put(partition, "b", "1");
      await fixture.put(partition, "b", "2");
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=2", "2:b=1", "3:b=2"]);
      await fixture.log.configureTopic("t", { maxCompactionLagMs: 5000 });
      fixture.clock.advance(5000);
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=2", "3:b=2"]);
    });

    test("seals the active segment for records that must not wait any longer", async () => {
      const partition = await fixture.compacted({ maxCompactionLagMs: 60_000 });
      await fixture.put(partition, "a", "1");
      await fixture.put(partition, "a", "2");
      await fixture.put(partition, "b", "1");
      await fixture.log.compact();
      expect(fixture.log.stats().segmentsSealed).toBe(0);
      fixture.clock.advance(60_000);
      await fixture.log.compact();
      expect(fixture.log.stats().segmentsSealed).toBe(1);
      expect(await fixture.held(partition)).toEqual(["1:a=2", "2:b=1"]);
      // And not again for what is compacted.
      fixture.clock.advance(600_000);
      await fixture.log.compact();
      expect(fixture.log.stats().segmentsSealed).toBe(1);
    });

    test("keeps a tombstone for delete.retention.ms after the pass that left it alone", async () => {
      const partition = await fixture.compacted({ deleteRetentionMs: DAY_MS });
      await fixture.put(partition, "a", "1");
      await fixture.seal();
      await fixture.put(partition, "a", null);
      await fixture.put(partition, "b", "1");
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=-", "2:b=1"]);
      fixture.clock.advance(DAY_MS - 1);
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=-", "2:b=1"]);
      fixture.clock.advance(1);
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["2:b=1"]);
    });

    test("takes nothing from topics that expire by time, and expires compacted ones that say so", async () => {
      const plain = await fixture.partitionOf("plain");
      const both = await fixture.compacted({ cleanupPolicy: "compact,delete", retentionMs: 5000 });
      const kept = await fixture.partitionOf("plain");
      for (let round = 0; round < 3; round += 1) {
        await fixture.put(both, "a", `${round}`);
        await fixture.put(kept, "a", `${round}`);
      }
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(both)).toEqual(["2:a=2"]);
      expect(await fixture.held(kept)).toHaveLength(3);
      expect(plain.index).toBe(0);
      fixture.clock.advance(6000);
      await fixture.put(both, "b", "1");
      await fixture.seal();
      await fixture.reopen({ retentionCheckMs: 5 });
      const again = fixture.log.topic("t")?.partitions[0] as Partition;
      while (again.logStartOffset < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await fixture.held(again)).toEqual(["3:b=1"]);
      const { expired, dropped, compacted: before } = reclaimed("t");
      expect([expired, dropped, before]).toEqual([1, 0, 2]);
    });

    const reclaimed = (topic: string) =>
      fixture.log.stats().reclaimed.get(topic) ?? { expired: 0, dropped: 0, compacted: 0 };

    test.each(COMPRESSION_CODECS)(
      "thins a batch out and compresses it as it was (%s)",
      async (codec) => {
        const partition = await fixture.compacted();
        await fixture.add(partition, {
          codec,
          records: [
            ["a", "1"],
            ["b", "1"],
            ["a", "2"],
            ["c", "1"],
          ],
        });
        await fixture.add(partition, {
          codec,
          records: [
            ["c", "2"],
            ["c", "3"],
          ],
        });
        await fixture.add(partition, { codec, records: [["d", "1"]] });
        await fixture.seal();
        await fixture.log.compact();
        expect(await fixture.held(partition)).toEqual(["1:b=1", "2:a=2", "5:c=3", "6:d=1"]);
        const { batches } = await fixture.log.read(partition, toOffset(0), 10_000);
        expect(batches.map((batch) => compressionCodec(batch))).toEqual([codec, codec, codec]);
        expect(batches.map((batch) => [lastOffsetDelta(batch), recordCount(batch)])).toEqual([
          [3, 2],
          [1, 1],
          [0, 1],
        ]);
      },
    );

    test("shows holes as compacted, also whole batches of them, and counts them", async () => {
      const partition = await fixture.compacted();
      for (const value of ["1", "2", "3"]) await fixture.put(partition, "a", value);
      await fixture.add(partition, {
        codec: "none",
        records: [
          ["a", "4"],
          ["b", "1"],
          ["a", "5"],
        ],
      });
      await fixture.put(partition, "c", "1");
      await fixture.seal();
      await fixture.log.compact();
      const slice = await fixture.log.read(partition, toOffset(1), 10_000);
      expect(slice.compacted).toEqual([{ from: 1, to: 3 }]);
      const read = await readAllCommitted(fixture.log, partition);
      expect(read).toMatchObject({ missing: 0, end: 7, leftOut: { compacted: 3 } });
      expect(fixture.log.compactedOf(partition)).toBe(4);
      await fixture.reopen(KEEPS_STILL);
      const again = fixture.log.topic("t")?.partitions[0] as Partition;
      expect(fixture.log.compactedOf(again)).toBe(4);
    });

    test("keeps the last batch of a partition, so that every reader comes to its end", async () => {
      const partition = await fixture.compacted({ deleteRetentionMs: 0 });
      await fixture.put(partition, "a", "1");
      await fixture.put(partition, "a", null);
      await fixture.seal();
      for (let round = 0; round < 3; round += 1) await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=-"]);
      expect((await fixture.log.read(partition, toOffset(0), 1000)).nextOffset).toBe(2);
    });

    test("drops aborted records, and markers once nothing is left of their transaction", async () => {
      const partition = await fixture.compacted({ deleteRetentionMs: 1000 });
      const end = async (producerId: bigint, kind: "commit" | "abort") => {
        const group = fixture.log.group();
        group.addMarker(partition, { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 });
        await group.flushed;
      };
      await fixture.put(partition, "a", "1");
      await fixture.add(partition, { producerId: 1n, records: [["a", "aborted"]] });
      await end(1n, "abort");
      await fixture.add(partition, { producerId: 2n, records: [["b", "committed"]] });
      await end(2n, "commit");
      await fixture.add(partition, { producerId: 3n, records: [["a", "open"]] });
      await fixture.put(partition, "c", "1");
      await fixture.seal();
      await fixture.log.compact();
      // Of an open transaction nobody knows yet: its record and what is behind it stay.
      const behind = ["5:a=open", "6:c=1"];
      expect(await fixture.held(partition)).toEqual(["0:a=1", "3:b=committed", ...behind]);
      const markers = async () => {
        const { batches } = await fixture.log.read(partition, toOffset(0), 10_000);
        return batches.length - (await fixture.held(partition)).length;
      };
      expect(await markers()).toBe(2);
      fixture.clock.advance(1000);
      await fixture.put(partition, "d", "1");
      await end(3n, "abort");
      await fixture.seal();
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["0:a=1", "3:b=committed", "6:c=1", "7:d=1"]);
      // The first abort's marker has gone; the committed record keeps its own, the last its wait.
      expect(await markers()).toBe(2);
      expect((await readAllCommitted(fixture.log, partition)).values).toEqual([
        "1",
        "committed",
        "1",
        "1",
      ]);
    });

    test("compacts nothing above what is replicated", async () => {
      const partition = await fixture.compacted();
      await fixture.put(partition, "a", "1");
      await fixture.put(partition, "a", "2");
      await fixture.put(partition, "a", "3");
      await fixture.seal();
      fixture.log.setReplicationProgress(() => toOffset(1));
      await fixture.log.compact();
      expect(await fixture.held(partition)).toHaveLength(3);
      fixture.log.setReplicationProgress(() => toOffset(2));
      await fixture.log.compact();
      expect(await fixture.held(partition)).toEqual(["1:a=2", "2:a=3"]);
    });

    test("gives the space of what retention took back, and puts small segments together", async () => {
      const partition = await fixture.compacted();
      const other = await fixture.partitionOf("filler");
      await fixture.log.configureTopic("filler", { retentionMs: 5000 });
      for (let round = 0; round < 4; round += 1) {
        await fixture.put(partition, `key ${round}`, "kept");
        await fixture.fillSegment(other);
      }
      const before = fixture.log.stats();
      fixture.clock.advance(6000);
      await fixture.reopen({ retentionCheckMs: 5 });
      while (fixture.log.stats().bytesOnDisk > before.bytesOnDisk / 2) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        await fixture.log.compact();
      }
      const after = fixture.log.stats();
      expect(after.segmentCount).toBeLessThan(before.segmentCount);
      const again = fixture.log.topic("t")?.partitions[0] as Partition;
      expect(await fixture.held(again)).toHaveLength(4);
      await fixture.reopen(KEEPS_STILL);
      expect(await fixture.held(fixture.log.topic("t")?.partitions[0] as Partition)).toHaveLength(
        4,
      );
    });

    test("a pass that does not fit into its memory is made in several", async () => {
      await fixture.reopen({ ...KEEPS_STILL, compactionMemoryBytes: 24 * 40 });
      const created = await fixture.log.createTopic("t", { partitions: 2, config: COMPACT });
      const [one, two] = created.partitions as [Partition, Partition];
      for (let round = 0; round < 3; round += 1) {
        for (let key = 0; key < 100; key += 1) {
          const records: [string, string][] = [[`${key}`, `${round}`]];
          await fixture.add(key % 2 === 0 ? one : two, { records });
        }
      }
      await fixture.seal();
      await fixture.log.compact();
      expect(fixture.log.stats().compaction.passes).toBeGreaterThan(3);
      for (const partition of [one, two]) {
        expect(await fixture.held(partition)).toHaveLength(50);
        expect((await fixture.held(partition)).every((record) => record.endsWith("=2"))).toBe(true);
      }
    });

    test("whoever reads goes on undisturbed while segments are replaced", async () => {
      const partition = await fixture.compacted();
      for (let round = 0; round < 200; round += 1)
        await fixture.put(partition, `${round % 7}`, "x".repeat(300));
      await fixture.seal();
      const cleaning = fixture.log.compact();
      let done = false;
      void cleaning.then(() => {
        done = true;
      });
      do {
        const read = await readAllCommitted(fixture.log, partition, 0, 2000);
        expect(read).toMatchObject({ missing: 0, end: 200 });
        expect(read.values.length).toBeGreaterThanOrEqual(7);
        await new Promise(setImmediate);
      } while (!done);
      await cleaning;
      expect(await fixture.held(partition)).toHaveLength(7);
    });
  });
}
