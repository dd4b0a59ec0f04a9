/** Batches that a producer sends, good ones and bad ones, and bombs: small, and huge once inflated. */
import { BatchBuilder } from "../../../../src/wire/batch-builder.ts";
import { compress } from "../../../../src/wire/compression.ts";
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_CODECS,
  type CompressionCodec,
  computeCrc,
} from "../../../../src/wire/record-batch.ts";
import type { Random } from "../../support/random.ts";

const MIB = 1024 * 1024;
/** A topic takes a batch of a megabyte, and snappy makes a twentieth at best. */
const BOMB_BYTES: Readonly<Record<CompressionCodec, number>> = {
  ...{ none: 0, gzip: 30 * MIB, snappy: 18 * MIB, lz4: 30 * MIB, zstd: 30 * MIB },
};
const ATTRIBUTES_AT = 21;

export function goodBatch(random: Random, codec: CompressionCodec = "none"): Buffer {
  const builder = new BatchBuilder();
  const count = 1 + random.int(5);
  for (let nth = 0; nth < count; nth += 1) {
    builder.add(1_700_000_000_000 + nth, null, random.bytes(random.int(60)));
  }
  return compressed(builder.finish(), codec);
}

/** One that is damaged: with the right CRC, so that it is looked into, or with a wrong one. */
export function badBatch(random: Random): Buffer {
  const bad = goodBatch(random, random.pick(COMPRESSION_CODECS));
  for (let nth = 0; nth <= random.int(4); nth += 1) {
    const from = random.chance(0.5) ? 0 : BATCH_HEADER_BYTES;
    bad[from + random.int(bad.length - from)] = random.int(256);
  }
  if (random.chance(0.7)) bad.writeUInt32BE(computeCrc(bad), 17);
  return random.chance(0.2) ? bad.subarray(0, random.int(bad.length)) : bad;
}

/** A single record of zeros, tens of megabytes of them. */
export function bomb(codec: CompressionCodec): Buffer {
  const builder = new BatchBuilder();
  builder.add(1_700_000_000_000, null, Buffer.alloc(BOMB_BYTES[codec]));
  return compressed(builder.finish(), codec);
}

function compressed(batch: Buffer, codec: CompressionCodec): Buffer {
  const records = compress(codec, batch.subarray(BATCH_HEADER_BYTES));
  const packed = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records]);
  packed.writeInt32BE(packed.length - 12, 8);
  packed.writeInt16BE(COMPRESSION_CODECS.indexOf(codec), ATTRIBUTES_AT);
  packed.writeUInt32BE(computeCrc(packed), 17);
  return packed;
}
