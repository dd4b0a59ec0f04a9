/**
 * Keys inside a segment's environment. All of it lives in one B-tree, so that a small commit
 * touches few pages:
 *
 *     [0 u32][0 u8]                                   when the segment was last opened, ISO 8601
 *     [0 u32][0 u8][1 u8]                             redo record of the last commit (storage/redo.ts)
 *     [0 u32][1 u8][partition id u32 BE]              head of a partition (segment-head.ts)
 *     [0 u32][2 u8][UTF-8 key]                        small state
 *     [0 u32][3 u8][partition id u32 BE][producer id i64 BE][offset u64 BE]
 *                                                     an aborted transaction, by its marker's offset
 *     [partition id u32 BE, from 1][base offset u64 BE]   a record batch
 */
import { toOffset } from "../base/offset.ts";

const OWN = 0;
const BIRTH = 0;
const HEAD = 1;
const STATE = 2;
const ABORTED = 3;
const PREFIX_BYTES = 5;

/** In every segment that a commit has reached. */
export const BIRTH_KEY = prefix(BIRTH);
/** Beside the heads: each commit writes both, and so touches one page for the two. */
export const REDO_KEY = Buffer.concat([BIRTH_KEY, Buffer.of(1)]);
export const HEADS_FROM = prefix(HEAD);
export const HEADS_TO = prefix(STATE);
export const STATES_FROM = HEADS_TO;
export const STATES_TO = prefix(ABORTED);
export const ABORTED_FROM = STATES_TO;
export const ABORTED_TO = prefix(ABORTED + 1);

export function headKey(partitionId: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + 4);
  HEADS_FROM.copy(key);
  key.writeUInt32BE(partitionId, PREFIX_BYTES);
  return key;
}

export function partitionOfHeadKey(key: Buffer): number {
  return key.readUInt32BE(PREFIX_BYTES);
}

export function stateKey(name: string): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + Buffer.byteLength(name));
  STATES_FROM.copy(key);
  key.write(name, PREFIX_BYTES, "utf8");
  return key;
}

export function nameOfStateKey(key: Buffer): string {
  return key.toString("utf8", PREFIX_BYTES);
}

export function batchKey(partitionId: number, baseOffset: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(partitionId, 0);
  key.writeBigUInt64BE(BigInt(baseOffset), 4);
  return key;
}

export function baseOffsetOfBatchKey(key: Buffer): number {
  return Number(key.readBigUInt64BE(4));
}

export function abortedKey(partitionId: number, producerId: bigint, lastOffset: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES + 20);
  ABORTED_FROM.copy(key);
  key.writeUInt32BE(partitionId, PREFIX_BYTES);
  key.writeBigInt64BE(producerId, PREFIX_BYTES + 4);
  key.writeBigUInt64BE(BigInt(lastOffset), PREFIX_BYTES + 12);
  return key;
}

export function lastOffsetOfAbortedKey(key: Buffer): number {
  return Number(key.readBigUInt64BE(PREFIX_BYTES + 12));
}

export function partsOfAbortedKey(key: Buffer) {
  return {
    partitionId: key.readUInt32BE(PREFIX_BYTES),
    producerId: key.readBigInt64BE(PREFIX_BYTES + 4),
    lastOffset: toOffset(lastOffsetOfAbortedKey(key)),
  };
}

function prefix(kind: number): Buffer {
  const key = Buffer.alloc(PREFIX_BYTES);
  key.writeUInt32BE(OWN, 0);
  key.writeUInt8(kind, 4);
  return key;
}
