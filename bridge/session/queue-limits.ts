/**
 * What a full queue does. A limit is met by dropping the oldest of the same client's messages that
 * is not on its way yet, or else the new message itself; whatever is dropped here is still in the
 * log.
 *
 * A message that several queues share counts in full in each, so that one that is dropped makes room
 * for another of its size, whoever else holds it; what is on disk is less.
 */
import type { ClientQueue, QueueTotals } from "./client-queue.ts";
import { sizeOf } from "./stored-entry.ts";

export interface QueueLimits {
  readonly queuedMessagesPerClientMax: number;
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  readonly queueFullPolicy: "drop-oldest" | "drop-newest";
}

/**
 * Makes room for a new entry of `bytes`; false where the new one must give way. Calls `dropped` for
 * each message that goes, the new one included.
 */
export function makeRoom(
  queue: ClientQueue,
  bytes: number,
  totals: Readonly<QueueTotals>,
  limits: QueueLimits,
  dropped: () => void,
): boolean {
  const { queuedMessagesPerClientMax, queuedMessagesMax, queuedBytesMax } = limits;
  const isFull = () =>
    queue.count >= queuedMessagesPerClientMax ||
    totals.count >= queuedMessagesMax ||
    totals.bytes + bytes > queuedBytesMax;
  while (isFull()) {
    dropped();
    // Where it can never fit, nothing is to go for it.
    if (limits.queueFullPolicy === "drop-newest" || bytes > queuedBytesMax) return false;
    const oldest = queue.oldestToDrop();
    if (oldest === undefined) return false;
    queue.remove(oldest.sequence, sizeOf(oldest.value));
  }
  return true;
}
