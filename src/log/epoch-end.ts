/**
 * Where the records of a leader epoch end (KIP-320). An epoch begins where the newest segment was
 * lost, always with a new segment, and 2^32 offsets further on (`recovery.ts`): so a segment's
 * records of a partition are all of one epoch, and an epoch ends with what is left of it, not where
 * the next one begins. That is how a consumer learns that what it read last is gone.
 */
import type { EpochEnd, Partition } from "./contract.ts";
import type { SegmentHead } from "./segment-head.ts";

/** `heads`: of the segments that hold some of the partition, oldest first. */
export function endOfEpoch(
  partition: Partition,
  leaderEpoch: number,
  heads: Iterable<{ readonly head: SegmentHead }>,
): EpochEnd | undefined {
  if (leaderEpoch > partition.leaderEpoch || leaderEpoch < 0) return undefined;
  if (leaderEpoch === partition.leaderEpoch) {
    return { leaderEpoch, endOffset: partition.highWatermark };
  }
  let end: EpochEnd | undefined;
  for (const { head } of heads) {
    if (head.leaderEpoch > leaderEpoch) break;
    end = { leaderEpoch: head.leaderEpoch, endOffset: head.nextOffset };
  }
  // Nothing that old is left: it ended, at the latest, where the log begins now.
  return end ?? { leaderEpoch, endOffset: partition.logStartOffset };
}
