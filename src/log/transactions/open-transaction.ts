/**
 * A transaction of a producer in one partition that has neither been committed nor aborted, and how
 * it stands in small state under `txn-open/PARTITION_ID/PRODUCER_ID`:
 *
 *     0   version        int8     1
 *     1   producer epoch int16    of its first batch
 *     3   first offset   uint64
 *     11  since          int64    this gateway's clock at its first batch, ms since 1970
 */
import { toOffset } from "../../base/offset.ts";
import type { OpenTransaction } from "../contract.ts";

export const OPEN_PREFIX = "txn-open/";
const VERSION = 1;
/** Of a value. */
export const OPEN_BYTES = 19;

export function openKey(partitionId: number, producerId: bigint): string {
  return `${OPEN_PREFIX}${partitionId}/${producerId}`;
}

export function encodeOpen(transaction: OpenTransaction): Buffer {
  const bytes = Buffer.alloc(OPEN_BYTES);
  bytes.writeInt8(VERSION, 0);
  bytes.writeInt16BE(transaction.producerEpoch, 1);
  bytes.writeBigUInt64BE(BigInt(transaction.firstOffset), 3);
  bytes.writeBigInt64BE(BigInt(transaction.sinceMs), 11);
  return bytes;
}

/** Of a key and value of small state. */
export function decodeOpen(key: string, value: Uint8Array): OpenTransaction {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    producerId: BigInt(key.slice(key.lastIndexOf("/") + 1)),
    producerEpoch: bytes.readInt16BE(1),
    firstOffset: toOffset(Number(bytes.readBigUInt64BE(3))),
    sinceMs: Number(bytes.readBigInt64BE(11)),
  };
}
