/**
 * The Kafka record batch, version 2, as bytes: the unit of storage, of fetching and of forwarding.
 * Pure functions over a batch's header; nothing here allocates or decodes records.
 *
 *     0   base offset            int64    outside the CRC: assigned in place
 *     8   batch length           int32    bytes after this field
 *     12  partition leader epoch int32    outside the CRC
 *     16  magic                  int8     2
 *     17  crc                    uint32   CRC32C of byte 21 to the end
 *     21  attributes             int16    bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control
 *     23  last offset delta      int32
 *     27  base timestamp         int64    milliseconds since 1970
 *     35  max timestamp          int64
 *     43  producer id            int64    -1 = none
 *     51  producer epoch         int16
 *     53  base sequence          int32
 *     57  record count           int32
 *     61  records
 *
 * Source: Apache Kafka, "Message format" (KIP-98), `DefaultRecordBatch`.
 */
import { type Offset, toOffset } from "../base/offset.ts";
import { crc32c } from "./crc32c.ts";

export const BATCH_HEADER_BYTES = 61;
/** Base offset and length: what precedes the bytes that `batch length` counts. */
export const BATCH_OVERHEAD_BYTES = 12;
export const MAGIC_V2 = 2;
export const NO_PRODUCER_ID = -1n;

/** Up to the end of the CRC: outside of what that covers. */
export const BATCH_START_BYTES = 21;

const AT_BASE_OFFSET = 0;
const AT_LENGTH = 8;
const AT_LEADER_EPOCH = 12;
const AT_MAGIC = 16;
const AT_CRC = 17;
const AT_ATTRIBUTES = 21;
const AT_LAST_OFFSET_DELTA = 23;
const AT_BASE_TIMESTAMP = 27;
const AT_MAX_TIMESTAMP = 35;
const AT_PRODUCER_ID = 43;
const AT_PRODUCER_EPOCH = 51;
const AT_BASE_SEQUENCE = 53;
const AT_COUNT = 57;

export const COMPRESSION_CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CompressionCodec = (typeof COMPRESSION_CODECS)[number];

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;

export function baseOffset(batch: Buffer): Offset {
  return toOffset(Number(batch.readBigInt64BE(AT_BASE_OFFSET)));
}

/** The batch's own idea of its size: the whole of it, header included, in bytes. */
export function sizeBytes(batch: Buffer): number {
  return batch.readInt32BE(AT_LENGTH) + BATCH_OVERHEAD_BYTES;
}

export function leaderEpoch(batch: Buffer): number {
  return batch.readInt32BE(AT_LEADER_EPOCH);
}

export function magic(batch: Buffer): number {
  return batch.readInt8(AT_MAGIC);
}

export function storedCrc(batch: Buffer): number {
  return batch.readUInt32BE(AT_CRC);
}

export function attributes(batch: Buffer): number {
  return batch.readInt16BE(AT_ATTRIBUTES);
}

/** The codec of the records section, or undefined where the three bits name none that exists. */
export function compressionCodec(batch: Buffer): CompressionCodec | undefined {
  return COMPRESSION_CODECS[attributes(batch) & CODEC_MASK];
}

export function isLogAppendTime(batch: Buffer): boolean {
  return (attributes(batch) & LOG_APPEND_TIME_BIT) !== 0;
}

export function isTransactional(batch: Buffer): boolean {
  return (attributes(batch) & TRANSACTIONAL_BIT) !== 0;
}

export function isControl(batch: Buffer): boolean {
  return (attributes(batch) & CONTROL_BIT) !== 0;
}

export function lastOffsetDelta(batch: Buffer): number {
  return batch.readInt32BE(AT_LAST_OFFSET_DELTA);
}

/** The offset after the batch's last: where the next batch of its partition begins. */
export function nextOffset(batch: Buffer): Offset {
  return toOffset(baseOffset(batch) + lastOffsetDelta(batch) + 1);
}

/** Milliseconds since 1970; -1 where the producer gave none. */
export function baseTimestampMs(batch: Buffer): number {
  return Number(batch.readBigInt64BE(AT_BASE_TIMESTAMP));
}

export function maxTimestampMs(batch: Buffer): number {
  return Number(batch.readBigInt64BE(AT_MAX_TIMESTAMP));
}

export function producerId(batch: Buffer): bigint {
  return batch.readBigInt64BE(AT_PRODUCER_ID);
}

export function producerEpoch(batch: Buffer): number {
  return batch.readInt16BE(AT_PRODUCER_EPOCH);
}

export function baseSequence(batch: Buffer): number {
  return batch.readInt32BE(AT_BASE_SEQUENCE);
}

export function recordCount(batch: Buffer): number {
  return batch.readInt32BE(AT_COUNT);
}

export function computeCrc(batch: Buffer): number {
  return crc32c(batch.subarray(AT_ATTRIBUTES, sizeBytes(batch)));
}

/** Says that its records are in the clear; the checksum is not made anew. */
export function clearCompression(batch: Buffer): void {
  batch.writeInt16BE(attributes(batch) & ~CODEC_MASK, AT_ATTRIBUTES);
}

/** Gives the batch its place in the log. Both fields lie outside the CRC. */
export function assignOffset(batch: Buffer, offset: Offset, epoch: number): void {
  batch.writeBigInt64BE(BigInt(offset), AT_BASE_OFFSET);
  batch.writeInt32BE(epoch, AT_LEADER_EPOCH);
}

/** Makes `timestampMs` the time of every record (LogAppendTime) without touching the records. */
export function stampLogAppendTime(batch: Buffer, timestampMs: number): void {
  batch.writeInt16BE(attributes(batch) | LOG_APPEND_TIME_BIT, AT_ATTRIBUTES);
  batch.writeBigInt64BE(BigInt(timestampMs), AT_MAX_TIMESTAMP);
  batch.writeUInt32BE(computeCrc(batch), AT_CRC);
}

/** Puts right a max timestamp that its records contradict, as Kafka's broker does; and the CRC. */
export function correctMaxTimestamp(batch: Buffer, timestampMs: number): void {
  batch.writeBigInt64BE(BigInt(timestampMs), AT_MAX_TIMESTAMP);
  batch.writeUInt32BE(computeCrc(batch), AT_CRC);
}

export interface BatchHeader {
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Fills in the 61 header bytes of a finished batch (base offset 0, leader epoch 0) and its CRC. */
export function writeHeader(batch: Buffer, header: BatchHeader): void {
  batch.writeBigInt64BE(0n, AT_BASE_OFFSET);
  batch.writeInt32BE(batch.length - BATCH_OVERHEAD_BYTES, AT_LENGTH);
  batch.writeInt32BE(0, AT_LEADER_EPOCH);
  batch.writeInt8(MAGIC_V2, AT_MAGIC);
  batch.writeInt16BE(header.attributes, AT_ATTRIBUTES);
  batch.writeInt32BE(header.lastOffsetDelta, AT_LAST_OFFSET_DELTA);
  batch.writeBigInt64BE(BigInt(header.baseTimestampMs), AT_BASE_TIMESTAMP);
  batch.writeBigInt64BE(BigInt(header.maxTimestampMs), AT_MAX_TIMESTAMP);
  batch.writeBigInt64BE(header.producerId, AT_PRODUCER_ID);
  batch.writeInt16BE(header.producerEpoch, AT_PRODUCER_EPOCH);
  batch.writeInt32BE(header.baseSequence, AT_BASE_SEQUENCE);
  batch.writeInt32BE(header.recordCount, AT_COUNT);
  batch.writeUInt32BE(computeCrc(batch), AT_CRC);
}

/** Why `bytes` is not one whole batch of version 2 with a matching CRC; undefined where it is. */
export function batchDamage(bytes: Buffer): string | undefined {
  const damage = headerDamage(bytes);
  if (damage !== undefined) return damage;
  if (storedCrc(bytes) !== computeCrc(bytes)) return "its CRC32C does not match its bytes";
  return undefined;
}

/** The same without the CRC, which costs a look at every byte. */
export function headerDamage(bytes: Buffer): string | undefined {
  if (bytes.length < BATCH_HEADER_BYTES) return `${bytes.length} bytes are less than a header`;
  if (magic(bytes) !== MAGIC_V2) return `magic is ${magic(bytes)}, not ${MAGIC_V2}`;
  if (sizeBytes(bytes) !== bytes.length) {
    return `its length field says ${sizeBytes(bytes)} bytes, but it has ${bytes.length}`;
  }
  return undefined;
}
