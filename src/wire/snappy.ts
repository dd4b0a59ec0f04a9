/**
 * Snappy as Kafka's clients write it: raw (librdkafka, Go), or in the xerial framing of snappy-java
 * (the Java clients, kafkajs):
 *
 *     0   magic            8 bytes  82 'S' 'N' 'A' 'P' 'P' 'Y' 00
 *     8   version          int32    1
 *     12  readable since   int32    1
 *     16  blocks: (length int32, one raw snappy block)*
 *
 * A raw block begins with its decompressed length, a varint of at most 32 bits; it is read first,
 * and held against the limit before the decoder allocates that much.
 */
import { compressSync, uncompressSync } from "snappy";
import { TributaryError } from "../base/errors.ts";

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
const BLOCK_LENGTH_BYTES = 4;
/** A snappy element makes at most 64 bytes of 3 (a copy with a two-byte offset). */
const EXPANSION_MAX = 22;

/** One raw block: every Kafka client reads it, and it is the smaller form. */
export function compressSnappy(bytes: Uint8Array): Buffer {
  return compressSync(bytes);
}

/** @throws DECOMPRESSED_TOO_LARGE, BATCH_CORRUPT, or the decoder's own error on corrupt bytes */
export function decompressSnappy(bytes: Uint8Array, bytesMax: number): Buffer {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isXerial(source)) return decompressBlock(source, bytesMax);
  const blocks: Buffer[] = [];
  let decompressedBytes = 0;
  let at = XERIAL_HEADER_BYTES;
  while (at < source.length) {
    if (at + BLOCK_LENGTH_BYTES > source.length) throw cutShort();
    const end = at + BLOCK_LENGTH_BYTES + source.readUInt32BE(at);
    if (end > source.length) throw cutShort();
    const block = decompressBlock(
      source.subarray(at + BLOCK_LENGTH_BYTES, end),
      bytesMax - decompressedBytes,
    );
    decompressedBytes += block.length;
    blocks.push(block);
    at = end;
  }
  const [only] = blocks;
  return blocks.length === 1 && only !== undefined ? only : Buffer.concat(blocks);
}

function isXerial(bytes: Buffer): boolean {
  return (
    bytes.length >= XERIAL_HEADER_BYTES &&
    XERIAL_MAGIC.equals(bytes.subarray(0, XERIAL_MAGIC.length))
  );
}

function decompressBlock(block: Buffer, bytesMax: number): Buffer {
  const declaredBytes = declaredLength(block);
  if (declaredBytes > bytesMax) {
    throw new TributaryError(
      "DECOMPRESSED_TOO_LARGE",
      `A snappy block of ${declaredBytes} bytes is more than the ${bytesMax} left; ` +
        "send smaller batches",
    );
  }
  if (declaredBytes > block.length * EXPANSION_MAX) {
    throw new TributaryError(
      "BATCH_CORRUPT",
      `A snappy block of ${block.length} bytes cannot hold the ${declaredBytes} it declares`,
    );
  }
  return uncompressSync(block) as Buffer;
}

function declaredLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) throw cutShort();
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new TributaryError("BATCH_CORRUPT", "A snappy block's length is not a 32-bit varint");
}

function cutShort(): TributaryError {
  return new TributaryError("BATCH_CORRUPT", "The snappy data is cut short");
}
