/**
 * What every log must do with transactions, whatever keeps its bytes: what is open is held back, what
 * is aborted is told apart, over segments and restarts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import type { MarkerKind, Partition } from "../../src/log/contract.ts";
import { markerKind } from "../../src/wire/control-batch.ts";
import { batchOf, transactionalBatch } from "../support/batches.ts";
import { fillState } from "../support/full-state.ts";
import { consumeAsKafkaDoes, readAllCommitted } from "../support/read-committed.ts";
import { LogFixture, type LogPlace, SEGMENT_BYTES, T0 } from "./log-fixture.ts";
import { ModelPartition } from "./transaction-model.ts";

const A = 7n;
const B = 8n;
const MARKER = { producerEpoch: 0, coordinatorEpoch: 0 };

export function logTransactionsSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new LogFixture(newPlace);

    async function add(partition: Partition, producer: bigint, ...values: string[]): Promise<void> {
      const group = fixture.log.group();
      group.addBatch(partition, transactionalBatch(producer, values));
      await group.flushed;
    }

    async function end(
      partition: Partition,
      producerId: bigint,
      kind: MarkerKind,
      producerEpoch = 0,
    ): Promise<void> {
      const group = fixture.log.group();
      group.addMarker(partition, { producerId, producerEpoch, kind, coordinatorEpoch: 0 });
      await group.flushed;
    }

    const shown = async (partition: Partition, from?: number) =>
      (await readAllCommitted(fixture.log, partition, from)).values;

    test("an open transaction holds back everything behind its first record, until its end", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "before");
      await add(partition, A, "a1", "a2");
      await fixture.append(partition, "behind");
      expect([partition.lastStableOffset, partition.highWatermark]).toEqual([1, 4]);
      expect(await shown(partition)).toEqual(["before"]);
      expect(fixture.log.openTransactions(partition)).toEqual([
        { producerId: A, producerEpoch: 0, firstOffset: 1, sinceMs: T0 },
      ]);
      await end(partition, A, "commit");
      expect([partition.lastStableOffset, partition.highWatermark]).toEqual([5, 5]);
      expect(fixture.log.openTransactions(partition)).toEqual([]);
      expect(await readAllCommitted(fixture.log, partition)).toEqual({
        values: ["before", "a1", "a2", "behind"],
        leftOut: { control: 1, aborted: 0, compacted: 0 },
        missing: 0,
        end: 5,
      });
    });

    test("records of an aborted transaction are left out, those between them are not", async () => {
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "a1");
      await fixture.append(partition, "plain");
      await add(partition, B, "b1");
      await add(partition, A, "a2", "a3");
      await end(partition, B, "commit");
      await end(partition, A, "abort");
      await add(partition, A, "next");
      await end(partition, A, "commit");
      const read = await readAllCommitted(fixture.log, partition);
      expect(read.values).toEqual(["plain", "b1", "next"]);
      expect(read.leftOut).toEqual({ control: 3, aborted: 3, compacted: 0 });
      const whole = { isolation: "committed" } as const;
      const slice = await fixture.log.read(partition, toOffset(0), 10_000, whole);
      expect(slice.aborted).toEqual([{ producerId: A, firstOffset: 0, lastOffset: 6 }]);
      // From behind its last record its marker alone is there, and from behind that nothing of it.
      const marker = await fixture.log.read(partition, toOffset(5), 10_000, whole);
      expect(marker.aborted).toHaveLength(1);
      const after = await fixture.log.read(partition, toOffset(7), 10_000, whole);
      expect(after.aborted).toEqual([]);
    });

    test("whoever asks for uncommitted records gets all of them, and no list of what is aborted", async () => {
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "a1");
      await end(partition, A, "abort");
      await add(partition, A, "open");
      const slice = await fixture.log.read(partition, toOffset(0), 10_000);
      expect(slice.batches.map((batch) => markerKind(batch))).toEqual([
        undefined,
        "abort",
        undefined,
      ]);
      expect([slice.nextOffset, slice.aborted]).toEqual([3, []]);
    });

    test("a group ends a transaction in all its partitions at once, together with state", async () => {
      const [one, two] = [await fixture.partitionOf("one"), await fixture.partitionOf("two")];
      await add(one, A, "x");
      await add(two, A, "y");
      const group = fixture.log.group();
      const marker = {
        producerId: A,
        producerEpoch: 0,
        kind: "commit",
        coordinatorEpoch: 1,
      } as const;
      group.addMarker(one, marker);
      const placed = group.addMarker(two, marker);
      group.putState("done/1", () => Buffer.from(`${placed.baseOffset}`));
      expect([one.lastStableOffset, two.lastStableOffset]).toEqual([0, 0]);
      await group.flushed;
      expect([one.lastStableOffset, two.lastStableOffset]).toEqual([2, 2]);
      expect(`${Buffer.from(fixture.log.state.get("done/1") ?? [])}`).toBe("1");
    });

    test("one group may begin a transaction, end it and begin the next", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      const marker = { producerId: A, producerEpoch: 0, coordinatorEpoch: 0 } as const;
      group.addBatch(partition, transactionalBatch(A, ["gone"]));
      group.addMarker(partition, { ...marker, kind: "abort" });
      group.addBatch(partition, transactionalBatch(A, ["kept"]));
      group.addMarker(partition, { ...marker, kind: "commit" });
      group.addBatch(partition, transactionalBatch(A, ["open"]));
      await group.flushed;
      expect(await shown(partition)).toEqual(["kept"]);
      expect(partition.lastStableOffset).toBe(4);
      await fixture.reopen();
      expect(await shown(await fixture.partitionOf("t"))).toEqual(["kept"]);
    });

    test("a marker of an older epoch ends nothing, one of a newer epoch does", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      group.addBatch(partition, transactionalBatch(A, ["a"], 4));
      await group.flushed;
      await end(partition, A, "commit", 3);
      expect(partition.lastStableOffset).toBe(0);
      await end(partition, A, "abort", 5);
      expect(partition.lastStableOffset).toBe(3);
      expect(await shown(partition)).toEqual([]);
    });

    test("a marker where nothing is open is written, and changes nothing", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "a");
      await end(partition, A, "abort");
      expect([partition.lastStableOffset, partition.highWatermark]).toEqual([2, 2]);
      expect(await shown(partition)).toEqual(["a"]);
    });

    test("an open transaction is open again after a restart, and may still be ended", async () => {
      const partition = await fixture.partitionOf("t");
      await fixture.append(partition, "before");
      await add(partition, A, "a");
      await add(partition, B, "b");
      const before = fixture.log.openTransactions(partition);
      fixture.clock.advance(5);
      await fixture.reopen();
      const again = await fixture.partitionOf("t");
      expect(again.lastStableOffset).toBe(1);
      expect(fixture.log.openTransactions(again)).toEqual(before);
      await end(again, A, "abort");
      expect(again.lastStableOffset).toBe(2);
      await end(again, B, "commit");
      expect(await shown(again)).toEqual(["before", "b"]);
    });

    test("a transaction over several segments is left out in each of them, also after a restart", async () => {
      const partition = await fixture.partitionOf("t");
      const beside = await fixture.partitionOf("beside");
      await add(partition, A, "a1");
      await fixture.append(partition, "p1");
      await fixture.fillSegment(beside);
      await add(partition, A, "a2");
      await fixture.append(partition, "p2");
      await fixture.fillSegment(beside);
      await end(partition, A, "abort");
      await fixture.append(partition, "p3");
      expect(await shown(partition)).toEqual(["p1", "p2", "p3"]);
      await fixture.fillSegment(beside);
      await fixture.reopen();
      const again = await fixture.partitionOf("t");
      expect(await shown(again)).toEqual(["p1", "p2", "p3"]);
      expect(await consumeAsKafkaDoes(fixture.log, again, 2, 1)).toEqual(["p2", "p3"]);
    });

    test("what retention took of a transaction is forgotten, and holds back nobody", async () => {
      await fixture.reopen({ retentionCheckMs: 5 });
      await fixture.log.createTopic("t", { partitions: 1, config: { retentionMs: 60_000 } });
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "aborted");
      await add(partition, B, "open");
      await fixture.fillSegment(partition);
      await end(partition, A, "abort");
      await fixture.fillSegment(partition);
      const spans = () => [...fixture.log.state.entries("txn-aborted/")];
      expect(spans()).toHaveLength(1);
      expect(partition.lastStableOffset).toBe(1);
      fixture.clock.advance(61_000);
      await fixture.fillSegment(partition);
      await fixture.fillSegment(partition);
      await expect.poll(() => partition.logStartOffset).toBeGreaterThan(1);
      await expect.poll(() => spans()).toEqual([]);
      expect(partition.lastStableOffset).toBe(partition.logStartOffset);
      expect(await shown(partition)).toEqual([]);
      await end(partition, B, "abort");
      expect(partition.lastStableOffset).toBe(partition.highWatermark);
    });

    test("a deleted topic takes its transactions with it", async () => {
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "aborted");
      await add(partition, B, "open");
      await fixture.fillSegment(partition);
      await end(partition, A, "abort");
      expect([...fixture.log.state.entries("txn-")]).toHaveLength(2);
      await fixture.log.deleteTopic("t");
      expect([...fixture.log.state.entries("txn-")]).toEqual([]);
      const marker = {
        producerId: B,
        producerEpoch: 0,
        kind: "abort",
        coordinatorEpoch: 0,
      } as const;
      expect(() => fixture.log.group().addMarker(partition, marker)).toThrow(/deleted/);
    });

    test("a marker is taken while the disk budget refuses records, so that it can free them", async () => {
      await fixture.reopen({ diskBudgetBytes: 4 * SEGMENT_BYTES, retentionCheckMs: 5 });
      await fixture.log.createTopic("t", { partitions: 1, config: { whenFull: "reject-new" } });
      const partition = await fixture.partitionOf("t");
      fixture.log.setReplicationProgress((each) => toOffset(Math.min(each.lastStableOffset, 0)));
      await add(partition, A, "a");
      const fill = async () => {
        for (let round = 0; round < 200; round += 1) {
          const group = fixture.log.group();
          group.addRecord(partition, T0, null, Buffer.alloc(8000));
          await group.flushed;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: "DISK_BUDGET_FULL" });
      await end(partition, A, "commit");
      expect(partition.lastStableOffset).toBe(partition.highWatermark);
    });

    test("a transaction is refused where small state has no room to note it", async () => {
      await fixture.reopen({ stateBytesMax: 100 });
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "a");
      await fillState(fixture.log);
      expect(() => fixture.log.group().addBatch(partition, transactionalBatch(B, ["b"]))).toThrow(
        expect.objectContaining({ code: "STATE_TOO_LARGE" }),
      );
      // One that is open already goes on.
      await add(partition, A, "more");
      await end(partition, A, "commit");
      expect(await shown(partition)).toEqual(["a", "more"]);
    });

    test("a committed slice of very many small transactions ends early, and the next goes on", async () => {
      const partition = await fixture.partitionOf("t");
      const group = fixture.log.group();
      for (let nth = 0; nth < 700; nth += 1) {
        const kind = nth % 2 === 0 ? "commit" : "abort";
        group.addBatch(partition, transactionalBatch(A, [`${nth}`]));
        group.addMarker(partition, { ...MARKER, producerId: A, kind });
      }
      await group.flushed;
      const whole = { isolation: "committed" } as const;
      const slice = await fixture.log.read(partition, toOffset(0), 1_000_000, whole);
      expect([slice.batches.length, slice.nextOffset]).toEqual([1000, 1000]);
      const values = Array.from({ length: 350 }, (_, nth) => `${2 * nth}`);
      expect(await shown(partition)).toEqual(values);
      expect(await consumeAsKafkaDoes(fixture.log, partition, 0, 1_000_000)).toEqual(values);
    });

    test("a listener hears of the marker that lets others read on", async () => {
      const partition = await fixture.partitionOf("t");
      await add(partition, A, "a");
      const heard: number[] = [];
      fixture.log.onFlush([partition], () => heard.push(partition.lastStableOffset));
      await end(partition, A, "commit");
      expect(heard).toEqual([2]);
    });

    test("whatever producers do, in whatever groups and over restarts, a reader is shown what is committed", async () => {
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            kind: fc.constant("append" as const),
            partition: fc.integer({ min: 0, max: 1 }),
            producer: fc.option(fc.constantFrom(1n, 2n, 3n), { nil: undefined }),
            count: fc.integer({ min: 1, max: 3 }),
            bytes: fc.constantFrom(5, 5, 200, 9000),
            wait: fc.boolean(),
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant("end" as const),
            producer: fc.constantFrom(1n, 2n, 3n),
            ending: fc.constantFrom("commit" as const, "abort" as const),
            wait: fc.boolean(),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
      );
      const reading = fc.record({
        from: fc.double({ min: 0, max: 1, noNaN: true }),
        bytes: fc.constantFrom(1, 700, 20_000),
      });
      await fixture.log.createTopic("p", { partitions: 2 });
      const models = [new ModelPartition(), new ModelPartition()];
      const partitionOf = (index: number) => fixture.log.topic("p")?.partitions[index] as Partition;
      let written = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 30 }),
          reading,
          async (steps, { from, bytes }) => {
            let last: Promise<void> = Promise.resolve();
            for (const each of steps) {
              if (each.kind === "restart") {
                await last;
                await fixture.reopen();
                continue;
              }
              const group = fixture.log.group();
              if (each.kind === "append") {
                const { producer, count } = each;
                const values = Array.from({ length: count }, () =>
                  `${written++}:`.padEnd(each.bytes, "."),
                );
                const batch =
                  producer === undefined ? batchOf(values) : transactionalBatch(producer, values);
                group.addBatch(partitionOf(each.partition), batch);
                models[each.partition]?.append(producer, values);
              } else {
                const { producer, ending } = each;
                const marker = {
                  producerId: producer,
                  producerEpoch: 0,
                  kind: ending,
                  coordinatorEpoch: 0,
                };
                for (const [index, model] of models.entries()) {
                  group.addMarker(partitionOf(index), marker);
                  model.mark(producer, ending);
                }
              }
              last = group.flushed;
              if (each.wait) await last;
            }
            await last;
            for (const [index, model] of models.entries()) {
              const partition = partitionOf(index);
              expect(partition.highWatermark).toBe(model.end);
              expect(partition.lastStableOffset).toBe(model.lastStableOffset);
              expect(
                fixture.log
                  .openTransactions(partition)
                  .map((open) => [open.producerId, open.firstOffset]),
              ).toEqual(model.open());
              const start = Math.floor(from * model.lastStableOffset);
              const read = await readAllCommitted(fixture.log, partition, start, bytes);
              expect(read.values).toEqual(model.shown(start));
              expect(read.leftOut).toEqual(model.leftOut(start));
              expect(read.missing).toBe(0);
              expect(await consumeAsKafkaDoes(fixture.log, partition, start, bytes)).toEqual(
                model.shown(start),
              );
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}
