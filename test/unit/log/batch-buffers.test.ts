/** Buffers of batches: used again, and never while somebody still needs their bytes. */
import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import { BatchBuffers } from "../../../src/log/batch-buffers.ts";
import { OPEN_BATCH_BYTES_MAX } from "../../../src/log/open-batch.ts";
import { LogPartition } from "../../../src/log/partition.ts";
import { LogFixture, T0 } from "../../suites/log-fixture.ts";
import { inMemory, onDisk } from "../../support/log-places.ts";
import { valuesOf } from "../../support/read-all.ts";

describe("the buffers of batches", () => {
  it("are used again, whole, however little of one a batch took", () => {
    const buffers = new BatchBuffers();
    const first = buffers.take();
    buffers.giveBack(first.subarray(0, 100));
    const second = buffers.take();
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(OPEN_BATCH_BYTES_MAX);
    expect(buffers.take().buffer).not.toBe(first.buffer);
  });

  it("are not taken from batches of another size, nor kept without end", () => {
    const buffers = new BatchBuffers();
    buffers.giveBack(Buffer.allocUnsafeSlow(OPEN_BATCH_BYTES_MAX + 1));
    buffers.giveBack(Buffer.from("a slice of a pool"));
    const many = Array.from({ length: 100 }, () => buffers.take());
    expect(new Set(many.map(({ buffer }) => buffer)).size).toBe(100);
    for (const batch of many) buffers.giveBack(batch);
    const again = Array.from({ length: 100 }, () => buffers.take());
    const reused = again.filter(({ buffer }) => many.some((batch) => batch.buffer === buffer));
    expect(reused).toHaveLength(48);
  });
});

describe("the size that a partition's batches usually have", () => {
  const offsets = { logStartOffset: toOffset(0), nextOffset: toOffset(0), leaderEpoch: 0 };
  const partitionAfter = (...sizes: readonly number[]) => {
    const partition = new LogPartition({ topic: "t", index: 0, id: 1 }, offsets);
    for (const bytes of sizes) partition.noteBatchBytes(bytes);
    return partition;
  };

  it("is that of a larger one at once, and of smaller ones little by little", () => {
    expect(partitionAfter(200_000, 30_000).usualBatchBytes).toBe(150_000);
    expect(partitionAfter(30_000, 200_000).usualBatchBytes).toBe(200_000);
    // A flood's partition is a quiet one again after some batches.
    const quiet = partitionAfter(OPEN_BATCH_BYTES_MAX, ...Array.from({ length: 40 }, () => 100));
    expect(quiet.usualBatchBytes).toBe(100);
  });
});

describe.each([
  ["LMDB", onDisk],
  ["memory", inMemory],
])("a log over %s that uses its buffers again", (_, place) => {
  const fixture = new LogFixture(place);

  it("keeps what was in them before, also while the next group fills them", async () => {
    await fixture.reopen({ segmentBytes: 4 * 1024 * 1024, diskBudgetBytes: 64 * 1024 * 1024 });
    const partition = await fixture.partitionOf("busy");
    const expected: string[] = [];
    const flushes: Promise<void>[] = [];
    for (let group = 0; group < 12; group += 1) {
      for (let nth = 0; nth < 100; nth += 1) {
        const value = `${group}:${nth}:`.padEnd(1000 + nth, String.fromCharCode(97 + group));
        fixture.log.group().addRecord(partition, T0, null, Buffer.from(value));
        expected.push(value);
      }
      flushes.push(fixture.log.group().flushed);
      // The next group gathers while this one is on its way to the disk.
      await new Promise((resolve) => setImmediate(resolve));
      if (group % 3 === 2) await flushes.at(-1);
    }
    await Promise.all(flushes);
    expect(await valuesOf(fixture.log, partition)).toEqual(expected);
  });
});
