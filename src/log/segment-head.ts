/**
 * What one segment holds of one partition. It is written in the same transaction as the batches it
 * counts, so a segment describes itself: recovery reads heads, never records.
 *
 *     0   first offset        uint64   the first offset of the partition in this segment
 *     8   next offset         uint64   the offset after the last one (= first, where it holds none)
 *     16  bytes               uint64   bytes of its batches
 *     24  batches             uint64
 *     32  max timestamp       int64    the largest record timestamp, ms since 1970; -1 = none
 *     40  appended at         int64    this gateway's clock at the last append, ms since 1970
 *     48  leader epoch        int32
 *     52  compacted           uint64   records between the two offsets that compaction took
 *
 * Heads of format 2 and older end before the last field: nothing of theirs was compacted.
 */
import { type Offset, toOffset } from "../base/offset.ts";

export interface SegmentHead {
  readonly firstOffset: Offset;
  readonly nextOffset: Offset;
  readonly bytes: number;
  readonly batches: number;
  readonly maxTimestampMs: number;
  readonly appendedAtMs: number;
  readonly leaderEpoch: number;
  /** Where there are any, offsets between the two that have no record are compacted, not lost. */
  readonly compacted: number;
}

export const SEGMENT_HEAD_BYTES = 60;
export const OLD_SEGMENT_HEAD_BYTES = 52;

/** The head of a partition of which a segment holds nothing yet. */
export function emptyHead(nextOffset: Offset, leaderEpoch: number): SegmentHead {
  return {
    firstOffset: nextOffset,
    nextOffset,
    bytes: 0,
    batches: 0,
    maxTimestampMs: -1,
    appendedAtMs: -1,
    leaderEpoch,
    compacted: 0,
  };
}

/** Whether the segment says anything of the partition, be it that it was compacted away. */
export function saysSomething({ batches, compacted }: SegmentHead): boolean {
  return batches > 0 || compacted > 0;
}

/**
 * Records at or above `from` that compaction took of what a head counts. Where `from` lies inside of
 * it, nobody knows how many of them were above: as many as there can have been.
 */
export function compactedFrom(head: SegmentHead, from: Offset): number {
  const offsets = head.nextOffset - Math.max(from, head.firstOffset);
  return Math.max(0, Math.min(head.compacted, offsets));
}

export function encodeHead(head: SegmentHead): Buffer {
  const bytes = Buffer.allocUnsafeSlow(SEGMENT_HEAD_BYTES);
  bytes.writeBigUInt64BE(BigInt(head.firstOffset), 0);
  bytes.writeBigUInt64BE(BigInt(head.nextOffset), 8);
  bytes.writeBigUInt64BE(BigInt(head.bytes), 16);
  bytes.writeBigUInt64BE(BigInt(head.batches), 24);
  bytes.writeBigInt64BE(BigInt(head.maxTimestampMs), 32);
  bytes.writeBigInt64BE(BigInt(head.appendedAtMs), 40);
  bytes.writeInt32BE(head.leaderEpoch, 48);
  bytes.writeBigUInt64BE(BigInt(head.compacted), 52);
  return bytes;
}

export function decodeHead(bytes: Buffer): SegmentHead {
  return {
    firstOffset: toOffset(Number(bytes.readBigUInt64BE(0))),
    nextOffset: toOffset(Number(bytes.readBigUInt64BE(8))),
    bytes: Number(bytes.readBigUInt64BE(16)),
    batches: Number(bytes.readBigUInt64BE(24)),
    maxTimestampMs: Number(bytes.readBigInt64BE(32)),
    appendedAtMs: Number(bytes.readBigInt64BE(40)),
    leaderEpoch: bytes.readInt32BE(48),
    compacted: bytes.length < SEGMENT_HEAD_BYTES ? 0 : Number(bytes.readBigUInt64BE(52)),
  };
}
