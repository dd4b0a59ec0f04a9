/**
 * How far one partition has been forwarded, as it stands in the log's small state. The producer's
 * identity and sequences stand with the offset, so that the next run goes on as the same producer:
 * the upstream cluster then knows what a crash let through, and repeats nothing.
 *
 *     0   version        int8     3
 *     1   placement      int8     0 direct, 1 by key
 *     2   next offset    int64    every record below it is acknowledged upstream
 *     10  producer id    int64
 *     18  producer epoch int16
 *     20  upstream offset int64   of the last acknowledged batch, -1 where that is not known
 *     28  control        int64    transaction markers below `next offset`
 *     36  aborted        int64    offsets of aborted transactions below it
 *     44  compacted      int64    records below it that compaction had taken before
 *     52  count          int32
 *     56  sequences      int32 each, for `next offset` on: of the one upstream partition (direct),
 *                                 or of each upstream partition (by key)
 *
 * Version 1 has none of the three counts, version 2 has no `compacted`: what follows stands earlier.
 */
import type { Offset } from "../base/offset.ts";
import { toOffset } from "../base/offset.ts";
import type { LeftOut } from "../log/contract.ts";
import type { ProducerIdentity } from "./sink.ts";

export type Placement = "direct" | "by-key";

export interface Checkpoint {
  readonly placement: Placement;
  readonly nextOffset: Offset;
  /** What of all below it held nothing for upstream. */
  readonly leftOut: LeftOut;
  readonly producer: ProducerIdentity;
  readonly upstreamOffset: number;
  readonly sequences: readonly number[];
}

const VERSION = 3;
/** Where the count of sequences stands, by version. */
const AT_COUNT: Readonly<Record<number, number>> = { 1: 28, 2: 44, 3: 52 };
const FIXED_BYTES = 56;

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { sequences, producer } = checkpoint;
  const bytes = Buffer.alloc(FIXED_BYTES + 4 * sequences.length);
  bytes.writeInt8(VERSION, 0);
  bytes.writeInt8(checkpoint.placement === "direct" ? 0 : 1, 1);
  bytes.writeBigInt64BE(BigInt(checkpoint.nextOffset), 2);
  bytes.writeBigInt64BE(producer.id, 10);
  bytes.writeInt16BE(producer.epoch, 18);
  bytes.writeBigInt64BE(BigInt(checkpoint.upstreamOffset), 20);
  bytes.writeBigInt64BE(BigInt(checkpoint.leftOut.control), 28);
  bytes.writeBigInt64BE(BigInt(checkpoint.leftOut.aborted), 36);
  bytes.writeBigInt64BE(BigInt(checkpoint.leftOut.compacted), 44);
  bytes.writeInt32BE(sequences.length, 52);
  for (const [slot, sequence] of sequences.entries()) {
    bytes.writeInt32BE(sequence, FIXED_BYTES + 4 * slot);
  }
  return bytes;
}

/** Undefined where a later version of Tributary wrote it, or it is not whole. */
export function decodeCheckpoint(value: Uint8Array): Checkpoint | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const version = bytes.length === 0 ? 0 : bytes.readInt8(0);
  const atCount = AT_COUNT[version];
  if (atCount === undefined || bytes.length < atCount + 4) return undefined;
  const count = bytes.readInt32BE(atCount);
  if (bytes.length !== atCount + 4 + 4 * count) return undefined;
  return {
    placement: bytes.readInt8(1) === 0 ? "direct" : "by-key",
    nextOffset: toOffset(Number(bytes.readBigInt64BE(2))),
    producer: { id: bytes.readBigInt64BE(10), epoch: bytes.readInt16BE(18) },
    upstreamOffset: Number(bytes.readBigInt64BE(20)),
    leftOut: {
      control: version === 1 ? 0 : Number(bytes.readBigInt64BE(28)),
      aborted: version === 1 ? 0 : Number(bytes.readBigInt64BE(36)),
      compacted: version < 3 ? 0 : Number(bytes.readBigInt64BE(44)),
    },
    sequences: Array.from({ length: count }, (_, slot) =>
      bytes.readInt32BE(atCount + 4 + 4 * slot),
    ),
  };
}
