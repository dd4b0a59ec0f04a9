import { describe, expect, it } from "vitest";
import { BatchBuilder } from "../../../src/wire/batch-builder.ts";
import { compress } from "../../../src/wire/compression.ts";
import { inTheClear } from "../../../src/wire/in-the-clear.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  COMPRESSION_CODECS,
  type CompressionCodec,
  compressionCodec,
  isTransactional,
} from "../../../src/wire/record-batch.ts";
import { records } from "../../../src/wire/records.ts";

const TRANSACTIONAL = 0x10;

function batchOf(valueBytes: number, codec: CompressionCodec): Buffer {
  const builder = new BatchBuilder();
  for (const value of ["a", "b", "c"]) builder.add(1000, null, Buffer.alloc(valueBytes, value));
  const plain = builder.finish();
  const packed = compress(codec, plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), packed]);
  batch.writeInt16BE(COMPRESSION_CODECS.indexOf(codec) | TRANSACTIONAL, 21);
  batch.writeBigInt64BE(7n, 0);
  return batch;
}

describe.each(COMPRESSION_CODECS.filter((codec) => codec !== "none"))("%s", (codec) => {
  it.each([
    ["a small batch", 10],
    ["a large one", 400_000],
  ])("%s is in the clear with the same records", async (_which, valueBytes) => {
    const batch = batchOf(valueBytes, codec);
    const clear = await inTheClear(batch);
    expect(compressionCodec(clear)).toBe("none");
    expect([isTransactional(clear), baseOffset(clear)]).toEqual([true, 7]);
    const shown = (of: Buffer) =>
      Array.from(records(of), ({ offset, value }) => `${offset} ${value?.length} ${value?.[0]}`);
    expect(shown(clear)).toEqual(shown(batch));
    expect(compressionCodec(batch)).toBe(codec);
  });
});

it("a batch in the clear is the same one", () => {
  const batch = batchOf(10, "none");
  expect(inTheClear(batch)).toBe(batch);
});
