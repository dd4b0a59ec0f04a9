/**
 * Sealed segments that are kept for a small part of what they hold: retention has taken the rest, and
 * what is left is in compacted topics, which keep it. They are written again without the rest. And
 * small ones are put together, so that their number does not grow for ever.
 */
import type { SealedSegment } from "../sealed-segments.ts";
import { type SegmentHead, saysSomething } from "../segment-head.ts";
import type { TopicTable } from "../topics.ts";

const MIB = 1024 * 1024;
/** Below it, pages of the tree and small state are most of it. */
const SEGMENT_BYTES_MIN = MIB;
const DEAD_SHARE_MIN = 0.5;
/** Where the disk budget is tight: at most three bytes are written for each that is freed. */
const DEAD_SHARE_MIN_TIGHT = 0.25;
/** A segment goes along with the one after it while it holds no more than this of a full one. */
const MERGED_SHARE_MAX = 0.125;
/** Left free on the disk by what is written for the room alone: it gives back more than it takes. */
const SPACE_RESERVE_BYTES = 32 * MIB;

export interface SpaceRules {
  readonly segmentBytes: number;
  readonly stateBytes: number;
  /** The disk budget wants what there is. */
  readonly isTight: boolean;
  /** Whether time, bytes and the disk budget take nothing from the partition. */
  readonly keepsByKey: KeepsByKey;
}

type KeepsByKey = (partitionId: number) => boolean;

/** Whether what the partition holds is for the cleaner alone to say. */
export function keepsByKey(topics: Pick<TopicTable, "ofPartition">, partitionId: number): boolean {
  return topics.ofPartition(partitionId)?.config.cleanupPolicy === "compact";
}

/** Whether to write the segment again for the space alone. */
export function isMostlyDead(segment: SealedSegment, rules: SpaceRules): boolean {
  const { bytes, heads } = segment;
  if (bytes < Math.min(SEGMENT_BYTES_MIN, rules.segmentBytes / 2)) return false;
  if (![...heads.keys()].some(rules.keepsByKey)) return false;
  const shareMin = rules.isTight ? DEAD_SHARE_MIN_TIGHT : DEAD_SHARE_MIN;
  return deadBytes(segment) - rules.stateBytes >= bytes * shareMin;
}

/** What writing the segment again frees, where it is done. */
export function spaceToCome(segment: SealedSegment, rules: SpaceRules): number {
  return isMostlyDead(segment, rules) ? deadBytes(segment) - rules.stateBytes : 0;
}

/** Whether the disk has room to write that much, for the room that it gives. */
export function hasRoomForSpace(writtenBytes: number, freeBytes: number): boolean {
  return writtenBytes + SPACE_RESERVE_BYTES <= freeBytes;
}

/** What partitions that are kept by key take of a segment. */
export function keptBytes(segment: SealedSegment, isKept: KeepsByKey): number {
  const kept = [...segment.heads].filter(([id]) => isKept(id)).map(([, head]) => head);
  return segment.bytes * shareOf(segment, kept);
}

/** What a segment takes when it is written again as it is. */
export function rewrittenBytes(segment: SealedSegment): number {
  return segment.bytes - deadBytes(segment);
}

/**
 * Pages, small state and all else in a file go with the batches, as far as one can say. Where it was
 * sealed without any, all of it is heads and small state, which stay when it is written again.
 */
function deadBytes(segment: SealedSegment): number {
  if (segment.batchBytes === 0) return 0;
  return segment.bytes * (1 - shareOf(segment, segment.heads.values()));
}

function shareOf({ batchBytes }: SealedSegment, heads: Iterable<SegmentHead>): number {
  return batchBytes === 0 ? 0 : Math.min(1, liveBytes(heads) / batchBytes);
}

/**
 * Whether the older segment goes into the same new one as the one after it. Only what is kept by key
 * may: other records would be kept for longer beside younger ones.
 */
export function mayMerge(
  older: SealedSegment | undefined,
  younger: SealedSegment,
  rules: SpaceRules,
): older is SealedSegment {
  if (older === undefined) return false;
  for (const [id, head] of [...older.heads, ...younger.heads]) {
    if (!rules.keepsByKey(id) && saysSomething(head)) return false;
  }
  return liveBytes(older.heads.values()) <= rules.segmentBytes * MERGED_SHARE_MAX;
}

/**
 * Whether what the older segment holds is of the leader epochs that the younger one was sealed with:
 * others stay apart. Also where that holds nothing of a partition, its head may say that a new epoch
 * has begun, and the offsets that were left out before it must never be given.
 */
export function isOfOneEpoch(
  older: SealedSegment,
  youngerHeads: ReadonlyMap<number, SegmentHead>,
): boolean {
  return [...older.heads].every(
    ([id, { leaderEpoch }]) => (youngerHeads.get(id)?.leaderEpoch ?? leaderEpoch) === leaderEpoch,
  );
}

function liveBytes(heads: Iterable<SegmentHead>): number {
  let sum = 0;
  for (const { bytes } of heads) sum += bytes;
  return sum;
}
