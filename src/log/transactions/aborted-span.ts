/**
 * Transactions that were aborted after they had begun in an earlier segment, as they stand in small
 * state under `txn-aborted/PARTITION_ID/OFFSET_OF_MARKER`:
 *
 *     0   version      int8     1
 *     1   producer id  int64
 *     9   first offset uint64
 *
 * One that began and ended in the same segment stands in that segment's own tree instead (keys.ts),
 * and is lost only together with its records. So damage never turns aborted records into committed.
 */
import { toOffset } from "../../base/offset.ts";
import type { AbortedTransaction } from "../contract.ts";

export const SPAN_PREFIX = "txn-aborted/";
const VERSION = 1;
const BYTES = 17;

export function spanKey(partitionId: number, { lastOffset }: AbortedTransaction): string {
  return `${SPAN_PREFIX}${partitionId}/${lastOffset}`;
}

export function encodeSpan({ producerId, firstOffset }: AbortedTransaction): Buffer {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeInt8(VERSION, 0);
  bytes.writeBigInt64BE(producerId, 1);
  bytes.writeBigUInt64BE(BigInt(firstOffset), 9);
  return bytes;
}

/** Of a key and value of small state. */
export function decodeSpan(key: string, value: Uint8Array): AbortedTransaction {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    producerId: bytes.readBigInt64BE(1),
    firstOffset: toOffset(Number(bytes.readBigUInt64BE(9))),
    lastOffset: toOffset(Number(key.slice(key.lastIndexOf("/") + 1))),
  };
}
