/** What is open in the log and belongs to nobody, where the disk is full at the start. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLogger } from "../../../../src/base/logger.ts";
import { GroupCoordinator } from "../../../../src/kafka/groups/coordinator.ts";
import { ProducerIds } from "../../../../src/kafka/producer-ids.ts";
import { TransactionCoordinator } from "../../../../src/kafka/transactions/coordinator.ts";
import { DEFAULT_TRANSACTION_LIMITS } from "../../../../src/kafka/transactions/limits.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { transactionalBatch } from "../../../support/batches.ts";
import { FailingStorage } from "../../../support/failing-storage.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { appended } from "../../../support/transactions.ts";

const { retryMs } = DEFAULT_TRANSACTION_LIMITS;
const ORPHAN_ID = 77n;

let disk: FailingStorage;
let timers: ManualTimers;
let log: Log;
let groups: GroupCoordinator;
let transactions: TransactionCoordinator;
let partition: Partition;

/** A log with a transaction that nobody knows, offsets for a group among it, and coordinators. */
beforeEach(async () => {
  disk = new FailingStorage(new MemoryStorage());
  timers = new ManualTimers();
  const { clock } = timers;
  log = await recoverLog(disk, withDefaults({ clock }));
  const topic = await log.createTopic("t", { partitions: 1 });
  partition = topic.partitions[0] as Partition;
  await appended(log, partition, transactionalBatch(ORPHAN_ID, ["x"]));
  const options = { log, clock, timers, logger: silentLogger };
  groups = new GroupCoordinator(options);
  const nobody = { generation: -1, memberId: "", instanceId: null };
  const commits = [{ topic: "t", partition: 0, offset: 5, leaderEpoch: -1, metadata: null }];
  await groups.commitInTransaction("g", nobody, Number(ORPHAN_ID), commits);
  disk.next("full", "full");
  transactions = new TransactionCoordinator({
    ...options,
    groups,
    producerIds: new ProducerIds(log),
  });
  await turns();
});

afterEach(async () => {
  transactions.close();
  groups.close();
  await log.close();
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

const orphans = () => [
  log.openTransactions(partition).length,
  groups.transactionalOffsets.pending.size,
  [...log.state.entries("txn-offset/")].length,
];

it("is tried again until it is aborted, and nothing of a producer's that is at work by then", async () => {
  expect(orphans()).toEqual([1, 1, 1]);
  await timers.advance(retryMs);
  await turns();
  expect(orphans()).toEqual([1, 1, 1]);
  const request = { transactionalId: "tx", timeoutMs: 60_000, claimed: undefined };
  const producer = await transactions.initialize(request);
  if (typeof producer === "string") throw new Error(producer);
  const claim = { transactionalId: "tx", producer };
  expect(await transactions.addPartitions(claim, [partition])).toBe("NONE");
  await appended(log, partition, transactionalBatch(BigInt(producer.id), ["y"]));
  await timers.advance(retryMs);
  await turns();
  expect(orphans()).toEqual([1, 0, 0]);
  expect(await transactions.end(claim, "commit")).toBe("NONE");
  expect(partition.lastStableOffset).toBe(partition.highWatermark);
});

it("is not tried again once the coordinator is closed", async () => {
  transactions.close();
  await timers.advance(10 * retryMs);
  await turns();
  expect(orphans()).toEqual([1, 1, 1]);
});
