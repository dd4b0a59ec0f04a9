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
import { compressSync, uncompress, uncompressSync } from "snappy";
import { TributaryError } from "../base/errors.ts";

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
const BLOCK_LENGTH_BYTES = 4;
/** A snappy element makes at most 64 bytes of 3 (a copy with a two-byte offset). */
const EXPANSION_MAX = 22;
/** Small blocks that are decompressed in one turn of the event loop, and what they come to. */
const GROUP_BLOCKS_MAX = 256;
const GROUP_BYTES_MAX = 256 * 1024;
/** Thousands of small pieces of foreign memory would have the garbage collector stop for long. */
const OWN_COPY = { copyOutputData: true };

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
  for (const block of xerialBlocks(source)) {
    const decompressed = decompressBlock(block, bytesMax - decompressedBytes);
    decompressedBytes += decompressed.length;
    blocks.push(decompressed);
  }
  return joined(blocks);
}

/**
 * Whether {@link decompressSnappy} is done with `bytes` in little time: it may hold a block of its
 * own for every few bytes, each of which costs a call.
 */
export function hasFewBlocks(bytes: Uint8Array): boolean {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isXerial(source)) return true;
  let count = 0;
  for (const _ of xerialBlocks(source)) {
    count += 1;
    if (count > GROUP_BLOCKS_MAX) return false;
  }
  return true;
}

/**
 * The same in pieces, each a turn of the event loop: a large block in the thread pool, small ones some
 * together.
 */
export async function* snappyPieces(bytes: Uint8Array, bytesMax: number): AsyncGenerator<Buffer> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = isXerial(source) ? xerialBlocks(source) : [source];
  let bytesLeft = bytesMax;
  let group: Buffer[] = [];
  let groupBytes = 0;
  for (const block of blocks) {
    const declaredBytes = checkedLength(block, bytesLeft);
    bytesLeft -= declaredBytes;
    const alone = declaredBytes > GROUP_BYTES_MAX;
    const full = groupBytes + declaredBytes > GROUP_BYTES_MAX || group.length === GROUP_BLOCKS_MAX;
    if (group.length > 0 && (alone || full)) {
      yield joined(group);
      group = [];
      groupBytes = 0;
      await new Promise(setImmediate);
    }
    if (alone) {
      yield (await uncompress(block)) as Buffer;
    } else {
      group.push(uncompressSync(block, OWN_COPY) as Buffer);
      groupBytes += declaredBytes;
    }
  }
  if (group.length > 0) yield joined(group);
}

function* xerialBlocks(source: Buffer): Generator<Buffer, void, undefined> {
  let at = XERIAL_HEADER_BYTES;
  while (at < source.length) {
    if (at + BLOCK_LENGTH_BYTES > source.length) throw cutShort();
    const end = at + BLOCK_LENGTH_BYTES + source.readUInt32BE(at);
    if (end > source.length) throw cutShort();
    yield source.subarray(at + BLOCK_LENGTH_BYTES, end);
    at = end;
  }
}

function joined(blocks: readonly Buffer[]): Buffer {
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
  checkedLength(block, bytesMax);
  return uncompressSync(block) as Buffer;
}

/** What a block says it comes to. @throws DECOMPRESSED_TOO_LARGE, BATCH_CORRUPT */
function checkedLength(block: Buffer, bytesMax: number): number {
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
  return declaredBytes;
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
