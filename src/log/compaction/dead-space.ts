/**
 * Sealed segments that are kept for a small part of what they hold: retention has taken the rest, and
 * what is left is in compacted topics, which keep it. They are written again without the rest. And
 * small ones are put together, so that their number does not grow for ever.
 */
import { type SegmentHead, saysSomething } from "../segment-head.ts";
import type { SealedSegment } from "../sealed-segments.ts";

const MIB = 1024 * 1024;
/** Below it, pages of the tree and small state are most of it. */
const SEGMENT_BYTES_MIN = MIB;
/** Batches take whole pages where they do not share one: twice their bytes at most. */
const PAGES_FACTOR = 2;
const DEAD_SHARE_MIN = 0.5;
/** A segment goes along with the one after it while it holds no more than this of a full one. */
const MERGED_SHARE_MAX = 0.125;

export interface SpaceRules {
  readonly segmentBytes: number;
  readonly stateBytes: number;
  /** Whether time and bytes take nothing from the partition. */
  readonly keepsByKey: (partitionId: number) => boolean;
}

/** Whether to write the segment again for the space alone. */
export function isMostlyDead({ bytes, heads }: SealedSegment, rules: SpaceRules): boolean {
  if (bytes < Math.min(SEGMENT_BYTES_MIN, rules.segmentBytes / 2)) return false;
  if (![...heads.keys()].some((id) => rules.keepsByKey(id))) return false;
  const deadBytes = bytes - PAGES_FACTOR * liveBytes(heads.values()) - rules.stateBytes;
  return deadBytes >= bytes * DEAD_SHARE_MIN;
}

/**
 * Whether the older segment goes into the same new one as the one after it. Only what is kept by key
 * may: other records would be kept for longer beside younger ones. Leader epochs stay apart.
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
  for (const [id, { leaderEpoch }] of older.heads) {
    if ((younger.heads.get(id)?.leaderEpoch ?? leaderEpoch) !== leaderEpoch) return false;
  }
  return liveBytes(older.heads.values()) <= rules.segmentBytes * MERGED_SHARE_MAX;
}

function liveBytes(heads: Iterable<SegmentHead>): number {
  let sum = 0;
  for (const { bytes } of heads) sum += bytes;
  return sum;
}
