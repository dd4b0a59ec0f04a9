/**
 * What one commit wrote to a segment, in one value: enough to do it again upon the snapshot before
 * it (FORMAT.md, "Recovery"). Of a batch it holds how it begins, up to the checksum of the rest: the
 * batch itself stands in the segment, or in the record as an entry. All integers are big-endian.
 *
 *     0   CRC32C of what follows  u32
 *     4   version                 u8     1
 *     5   number                  u64    of the commit: LMDB's transaction
 *     13  batches, entries        u32, u32
 *     21  a batch:                partition id u32 | its first 21 bytes
 *     ..  an entry:               key length u16, key | value length i32, value; -1: it is removed
 */

import { crc32c } from "../../wire/crc32c.ts";
import { BATCH_START_BYTES } from "../../wire/record-batch.ts";
import type { SegmentBatch } from "./storage.ts";

/** A key of the segment, and the value that it gets; undefined: it is removed. */
export type Entry = readonly [key: Buffer, value: Uint8Array | undefined];

export interface RedoRecord {
  readonly number: bigint;
  readonly batches: readonly BatchStart[];
  readonly entries: readonly Entry[];
}

export interface BatchStart {
  readonly partitionId: number;
  /** The batch up to its checksum. */
  readonly start: Buffer;
}

const VERSION = 1;
const HEADER_BYTES = 21;
const BATCH_BYTES = 4 + BATCH_START_BYTES;
const REMOVED = -1;

/** Bytes of the record of such a commit. */
export function redoBytes(batches: number, entries: readonly Entry[]): number {
  let bytes = HEADER_BYTES + batches * BATCH_BYTES;
  for (const [key, value] of entries) bytes += 6 + key.length + (value?.length ?? 0);
  return bytes;
}

export function encodeRedo(
  number: bigint,
  batches: readonly SegmentBatch[],
  entries: readonly Entry[],
): Buffer {
  const bytes = Buffer.allocUnsafeSlow(redoBytes(batches.length, entries));
  bytes.writeUInt8(VERSION, 4);
  bytes.writeBigUInt64BE(number, 5);
  bytes.writeUInt32BE(batches.length, 13);
  bytes.writeUInt32BE(entries.length, 17);
  let at = HEADER_BYTES;
  for (const { partitionId, batch } of batches) {
    bytes.writeUInt32BE(partitionId, at);
    batch.copy(bytes, at + 4, 0, BATCH_START_BYTES);
    at += BATCH_BYTES;
  }
  for (const [key, value] of entries) {
    bytes.writeUInt16BE(key.length, at);
    bytes.set(key, at + 2);
    at += 2 + key.length;
    bytes.writeInt32BE(value === undefined ? REMOVED : value.length, at);
    if (value !== undefined) bytes.set(value, at + 4);
    at += 4 + (value?.length ?? 0);
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0);
  return bytes;
}

/** Undefined where the bytes are not one whole record: a power cut may have left any. */
export function decodeRedo(bytes: Buffer): RedoRecord | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt8(4) !== VERSION) return undefined;
  if (bytes.readUInt32BE(0) !== crc32c(bytes.subarray(4))) return undefined;
  const batches: BatchStart[] = [];
  const entries: Entry[] = [];
  let at = HEADER_BYTES;
  for (let left = bytes.readUInt32BE(13); left > 0; left -= 1) {
    const partitionId = bytes.readUInt32BE(at);
    batches.push({ partitionId, start: bytes.subarray(at + 4, at + BATCH_BYTES) });
    at += BATCH_BYTES;
  }
  for (let left = bytes.readUInt32BE(17); left > 0; left -= 1) {
    const keyAt = at + 2;
    const lengthAt = keyAt + bytes.readUInt16BE(at);
    const length = bytes.readInt32BE(lengthAt);
    const valueAt = lengthAt + 4;
    at = valueAt + Math.max(length, 0);
    const value = length === REMOVED ? undefined : bytes.subarray(valueAt, at);
    entries.push([bytes.subarray(keyAt, lengthAt), value]);
  }
  return { number: bytes.readBigUInt64BE(5), batches, entries };
}
