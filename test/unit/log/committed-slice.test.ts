import { afterEach, beforeEach, expect, it } from "vitest";
import { toOffset, ZERO_OFFSET } from "../../../src/base/offset.ts";
import { readInTheClear } from "../../../src/log/committed-slice.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { compress } from "../../../src/wire/compression.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  compressionCodec,
  computeCrc,
} from "../../../src/wire/record-batch.ts";
import { batchOf } from "../../support/batches.ts";

const TIME_MS = 1_700_000_000_000;
const SLICE_BYTES = 1024 * 1024;

let log: Log;
let partition: Partition;

beforeEach(async () => {
  log = await openMemoryLog();
  partition = (await log.createTopic("t", { partitions: 1 })).partitions[0] as Partition;
});

afterEach(() => log.close());

/** A zstd batch of so many values of a million bytes, a millisecond apart. */
async function addLarge(values: number): Promise<void> {
  const plain = batchOf(Array(values).fill("x".repeat(1_000_000)), TIME_MS);
  const packed = compress("zstd", plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), packed]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(4, 21);
  batch.writeUInt32BE(computeCrc(batch), 17);
  const group = log.group();
  group.addBatch(partition, batch);
  await group.flushed;
}

it("a slice in the clear ends where its batches have come to much", async () => {
  for (let nth = 0; nth < 5; nth += 1) await addLarge(2);
  const slice = await readInTheClear(log, partition, ZERO_OFFSET, SLICE_BYTES);
  expect(slice.stretches.map(({ from, to }) => [from, to])).toEqual([[0, 2]]);
  expect(slice.nextOffset).toBe(2);
  const [{ batch } = {}] = slice.stretches;
  expect(batch && [compressionCodec(batch), baseOffset(batch)]).toEqual(["none", 0]);
  const last = await readInTheClear(log, partition, toOffset(8), SLICE_BYTES);
  expect([last.stretches.length, last.nextOffset]).toEqual([1, 10]);
});

it("what nobody wants to look into is not inflated", async () => {
  for (let nth = 0; nth < 5; nth += 1) await addLarge(2);
  const slice = await readInTheClear(log, partition, ZERO_OFFSET, SLICE_BYTES, () => false);
  expect(slice.stretches).toHaveLength(5);
  expect(slice.nextOffset).toBe(10);
});

it("a time is found within a batch that comes to much", async () => {
  await addLarge(5);
  expect((await log.offsetForTime(partition, TIME_MS + 3))?.offset).toBe(3);
  expect((await log.offsetOfMaxTimestamp(partition))?.offset).toBe(4);
  expect(await log.offsetForTime(partition, TIME_MS + 5)).toBeUndefined();
});
