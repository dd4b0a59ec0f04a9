/**
 * Transactions as small state has them: read into the partitions at a start, and taken out with a
 * topic or with what retention takes.
 */
import type { AbortedTransaction, AppendGroup, OpenTransaction, SmallState } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import { decodeSpan, SPAN_PREFIX, spanKey } from "./aborted-span.ts";
import { decodeOpen, OPEN_PREFIX, openKey } from "./open-transaction.ts";
import { PartitionTransactions } from "./partition-transactions.ts";

/** Fills in what the partitions know. Answers the keys of partitions that are no more. */
export function loadTransactions(
  state: SmallState,
  partitionOf: (id: number) => LogPartition | undefined,
): readonly string[] {
  const orphans: string[] = [];
  const open: [PartitionTransactions, OpenTransaction][] = [];
  const spans: [PartitionTransactions, AbortedTransaction][] = [];
  for (const [key, value] of state.entries(OPEN_PREFIX)) {
    const owner = ownerOf(key, partitionOf);
    if (owner === undefined) orphans.push(key);
    else open.push([owner, decodeOpen(key, value)]);
  }
  open.sort(([, a], [, b]) => a.firstOffset - b.firstOffset);
  for (const [owner, transaction] of open) owner.begin(transaction);
  for (const [key, value] of state.entries(SPAN_PREFIX)) {
    const owner = ownerOf(key, partitionOf);
    if (owner === undefined) orphans.push(key);
    else spans.push([owner, decodeSpan(key, value)]);
  }
  spans.sort(([, a], [, b]) => a.lastOffset - b.lastOffset);
  for (const [owner, span] of spans) owner.addSpan(span);
  return orphans;
}

/** Of a key of ours: the partition's id stands after its kind. */
function ownerOf(
  key: string,
  partitionOf: (id: number) => LogPartition | undefined,
): PartitionTransactions | undefined {
  const partition = partitionOf(Number(key.split("/")[1]));
  if (partition === undefined) return undefined;
  partition.transactions ??= new PartitionTransactions();
  return partition.transactions;
}

/** Takes out what is known of a partition that is being deleted. */
export function forgetTransactions(group: AppendGroup, partition: LogPartition): void {
  const { id, transactions } = partition;
  for (const { producerId } of transactions?.allOpen() ?? []) {
    group.putState(openKey(id, producerId), undefined);
  }
  for (const span of transactions?.allSpans() ?? []) group.putState(spanKey(id, span), undefined);
}

/** Takes out the aborted spans that lie below the log start now. */
export function expireSpans(group: AppendGroup, partition: LogPartition): void {
  const taken = partition.transactions?.takeSpansBelow(partition.logStartOffset) ?? [];
  for (const span of taken) group.putState(spanKey(partition.id, span), undefined);
}

/**
 * With the newest segment the outcome of what was open before it is lost, too. What cannot be known
 * to be committed is not shown: all of it is aborted, each under a marker of its own.
 */
export function abortAllOpen(group: AppendGroup, partitions: Iterable<LogPartition>): void {
  for (const partition of partitions) {
    for (const { producerId, producerEpoch } of partition.transactions?.allOpen() ?? []) {
      const marker = { producerId, producerEpoch, kind: "abort", coordinatorEpoch: 0 } as const;
      group.addMarker(partition, marker);
    }
  }
}
