/**
 * What a start makes of the transactions that small state has, and of those that are open in the log:
 * each open one comes back, or is aborted where nobody knows it any more.
 *
 * Where the log has lost its newest segment since a transactional id was written down (its loss
 * count has risen), what is said of the id may be older than what its producer was told: the id is
 * forgotten, so that each of its producers has to begin anew, under a producer id of its own.
 */
import type { AppendGroup, Log, Partition } from "../../log/contract.ts";
import type { PendingOffsets } from "../groups/pending-offsets.ts";
import type { TransactionDirectory } from "./directory.ts";
import { decodeTransaction, TRANSACTION_KEY_PREFIX } from "./transaction-record.ts";

/** Fills `directory`. What it answers undoes the rest in a group, and says how much that was. */
export function loadTransactions(
  log: Log,
  directory: TransactionDirectory,
  pending: PendingOffsets,
): (group: AppendGroup) => number {
  const partitions = partitionsOf(log);
  const outdated: string[] = [];
  for (const [key, value] of log.state.entries(TRANSACTION_KEY_PREFIX)) {
    const record = decodeTransaction(value, (id) => partitions.get(id));
    if (record.lossCount === log.lossCount) {
      directory.add(key.slice(TRANSACTION_KEY_PREFIX.length), record);
    } else outdated.push(key);
  }
  return (group) => {
    let undone = outdated.length;
    for (const key of outdated) group.putState(key, undefined);
    for (const partition of partitions.values()) {
      undone += abortUnknown(log, group, partition, directory);
    }
    for (const producerId of pending.producers()) {
      if (directory.ofProducer(producerId)?.record.state === "Ongoing") continue;
      pending.removeIn(group, producerId);
      pending.forget(producerId);
      undone += 1;
    }
    return undone;
  };
}

function partitionsOf(log: Log): ReadonlyMap<number, Partition> {
  const all = log.topics().flatMap(({ partitions }) => partitions);
  return new Map(all.map((partition) => [partition.id, partition]));
}

function abortUnknown(
  log: Log,
  group: AppendGroup,
  partition: Partition,
  directory: TransactionDirectory,
): number {
  let count = 0;
  for (const { producerId, producerEpoch } of log.openTransactions(partition)) {
    const known = directory.ofProducer(Number(producerId));
    if (known?.record.partitions.has(partition.id) === true) continue;
    group.addMarker(partition, { producerId, producerEpoch, kind: "abort", coordinatorEpoch: 0 });
    count += 1;
  }
  return count;
}
