/**
 * What a start makes of the transactions that small state has: each comes back, an open one too.
 *
 * Where the log has lost its newest segment since a transactional id was written down (its loss
 * count has risen), what is said of the id may be older than what its producer was told: the id is
 * forgotten, so that each of its producers has to begin anew, under a producer id of its own.
 */
import type { Log, Partition } from "../../log/contract.ts";
import type { TransactionDirectory } from "./directory.ts";
import { decodeTransaction, TRANSACTION_KEY_PREFIX } from "./transaction-record.ts";

/** Fills `directory`; answers the transactional ids whose records are to be forgotten. */
export function loadTransactions(log: Log, directory: TransactionDirectory): readonly string[] {
  const partitions = partitionsOf(log);
  const outdated: string[] = [];
  for (const [key, value] of log.state.entries(TRANSACTION_KEY_PREFIX)) {
    const id = key.slice(TRANSACTION_KEY_PREFIX.length);
    const record = decodeTransaction(value, (partitionId) => partitions.get(partitionId));
    if (record.lossCount === log.lossCount) directory.add(id, record);
    else outdated.push(id);
  }
  return outdated;
}

function partitionsOf(log: Log): ReadonlyMap<number, Partition> {
  const all = log.topics().flatMap(({ partitions }) => partitions);
  return new Map(all.map((partition) => [partition.id, partition]));
}
