/** Keys of the small state that the log itself keeps (other rooms have kinds of their own). */

/** The log start of a partition, as decimal digits. */
export function logStartKey(partitionId: number): string {
  return `log-start/${partitionId}`;
}

/** How many records of a topic retention has taken, as JSON `{expired, dropped, compacted}`. */
export function reclaimedKey(topicId: string): string {
  return `reclaimed/${topicId}`;
}

/** How many times the active segment was lost, as decimal digits: see `recovery.ts`. */
export const LEADER_EPOCH_KEY = "leader-epoch";

/** There from before the active segment is set aside until a new one has its first commit. */
export const LOSS_KEY = "loss-under-way";
