import type { Offset } from "../../base/offset.ts";
import { baseOffset, producerId } from "../../wire/record-batch.ts";
import type { AbortedTransaction } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { Segment } from "../storage/storage.ts";

/**
 * The aborted transactions that `batches`, transactional ones of one segment, are part of, be it by
 * records or by the marker. Asks the index once for each transaction that it passes, and once more
 * for each producer, so the work is bounded by the batches, not by the index.
 */
export function abortedIn(
  batches: readonly Buffer[],
  partition: LogPartition,
  segment: Segment,
): AbortedTransaction[] {
  const found = new Set<AbortedTransaction>();
  /** The producer's next aborted transaction from where it was last seen on. */
  const next = new Map<bigint, AbortedTransaction | undefined>();
  for (const batch of batches) {
    const id = producerId(batch);
    const base = baseOffset(batch);
    let aborted = next.get(id);
    if (!next.has(id) || (aborted !== undefined && aborted.lastOffset < base)) {
      aborted = nextAborted(partition, segment, id, base);
      next.set(id, aborted);
    }
    if (aborted !== undefined && aborted.firstOffset <= base) found.add(aborted);
  }
  return [...found];
}

function nextAborted(
  partition: LogPartition,
  segment: Segment,
  id: bigint,
  from: Offset,
): AbortedTransaction | undefined {
  const within = segment.nextAborted(partition.id, id, from);
  const across = partition.transactions?.nextSpan(id, from);
  if (within === undefined || across === undefined) return within ?? across;
  return within.lastOffset < across.lastOffset ? within : across;
}

/** Each once, though parts of it were found in several segments, in order of first offset. */
export function inOrder(found: readonly AbortedTransaction[]): readonly AbortedTransaction[] {
  const once = new Map(found.map((each) => [`${each.producerId}/${each.firstOffset}`, each]));
  return [...once.values()].sort((a, b) => a.firstOffset - b.firstOffset);
}
