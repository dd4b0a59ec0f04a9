/**
 * The head of a client's queue: its figures, written in the transaction that changes them, so that a
 * start reads one head a client and not its messages. And the keys of a queue:
 *
 *     queue-head/<client key>                           the head
 *     queue/<client key>/<sequence, 12 hex digits>      an entry, see stored-entry.ts
 *
 * The head:
 *
 *     0   version      u8    1
 *     1   count        u32   entries
 *     5   bytes        u48   of their values
 *     11  first        u48   nothing below this sequence is queued
 *     17  next         u48   the sequence that the next entry gets
 *     23  noted up to  u48   entries up to this sequence may have been sent
 *     29  sweep to     u48   entries below this sequence were cleared and may still be on disk
 *
 * Integers are big-endian.
 */
import type { Sequence } from "./queue-contract.ts";
import { checkVersion } from "./stored-message.ts";

export interface QueueHead {
  readonly count: number;
  readonly bytes: number;
  readonly first: Sequence;
  readonly next: Sequence;
  readonly notedUpTo: Sequence;
  readonly sweepTo: Sequence;
}

export const HEADS = { start: "queue-head/", end: "queue-head0" } as const;

const VERSION = 1;
const HEAD_BYTES = 35;
const U48_BYTES = 6;
const SEQUENCE_DIGITS = 12;

export function headKey(clientKey: string): string {
  return HEADS.start + clientKey;
}

export function clientKeyOfHead(key: string): string {
  return key.slice(HEADS.start.length);
}

export function entryKey(clientKey: string, sequence: Sequence): string {
  return `queue/${clientKey}/${sequence.toString(16).padStart(SEQUENCE_DIGITS, "0")}`;
}

export function sequenceOf(key: string): Sequence {
  return Number.parseInt(key.slice(-SEQUENCE_DIGITS), 16);
}

export function encodeHead(head: QueueHead): Buffer {
  const value = Buffer.allocUnsafe(HEAD_BYTES);
  value.writeUInt8(VERSION, 0);
  value.writeUInt32BE(head.count, 1);
  let at = 5;
  for (const number of [head.bytes, head.first, head.next, head.notedUpTo, head.sweepTo]) {
    at = value.writeUIntBE(number, at, U48_BYTES);
  }
  return value;
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodeHead(bytes: Uint8Array): QueueHead {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = value.length === HEAD_BYTES ? value.readUInt8(0) : 0;
  checkVersion("The head of an MQTT queue", version, VERSION);
  return {
    count: value.readUInt32BE(1),
    bytes: value.readUIntBE(5, U48_BYTES),
    first: value.readUIntBE(11, U48_BYTES),
    next: value.readUIntBE(17, U48_BYTES),
    notedUpTo: value.readUIntBE(23, U48_BYTES),
    sweepTo: value.readUIntBE(29, U48_BYTES),
  };
}
