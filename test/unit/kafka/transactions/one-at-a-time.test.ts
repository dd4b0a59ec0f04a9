/** What the coordinator does while the disk is at work, and where it refuses. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/base/logger.ts";
import { GroupCoordinator } from "../../../../src/kafka/groups/coordinator.ts";
import { ProducerIds } from "../../../../src/kafka/producer-ids.ts";
import { TransactionCoordinator } from "../../../../src/kafka/transactions/coordinator.ts";
import type { ProducerClaim } from "../../../../src/kafka/transactions/directory.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { transactionalBatch } from "../../../support/batches.ts";
import { fillState } from "../../../support/full-state.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { readAllCommitted } from "../../../support/read-committed.ts";

const NOBODY = { generation: -1, memberId: "", instanceId: null };
const TIMEOUT_MS = 60_000;

let timers: ManualTimers;
let log: Log;
let groups: GroupCoordinator;
let transactions: TransactionCoordinator;
let claim: ProducerClaim;
let partitions: readonly Partition[];

beforeEach(async () => {
  timers = new ManualTimers();
  const { clock } = timers;
  // Room for what the tests write before they fill it up.
  log = await openMemoryLog({ clock, stateBytesMax: 4096 });
  partitions = (await log.createTopic("t", { partitions: 3 })).partitions;
  const options = { log, clock, timers, logger: silentLogger };
  groups = new GroupCoordinator(options);
  const producerIds = new ProducerIds(log);
  transactions = new TransactionCoordinator({ ...options, groups, producerIds });
  const request = { transactionalId: "tx", timeoutMs: TIMEOUT_MS, claimed: undefined };
  const producer = await transactions.initialize(request);
  if (typeof producer === "string") throw new Error(producer);
  claim = { transactionalId: "tx", producer };
  expect(await transactions.addPartitions(claim, partitions)).toBe("NONE");
});

afterEach(async () => {
  transactions.close();
  groups.close();
  await log.close();
});

async function send(partition: Partition | undefined): Promise<void> {
  const group = log.group();
  group.addBatch(partition as Partition, transactionalBatch(BigInt(claim.producer.id), ["x"]));
  await group.flushed;
}

const commit = (partition: number) =>
  transactions.commitOffsets(claim, "g", NOBODY, [
    { topic: "t", partition, offset: 5, leaderEpoch: -1, metadata: null },
  ]);
const offsets = () => [0, 1, 2].map((partition) => fetched(partition));
const fetched = (partition: number) => groups.offsets.fetch("g", { topic: "t", partition })?.offset;

describe("one transactional id", () => {
  it("takes one request at a time", async () => {
    const ending = transactions.end(claim, "commit");
    const request = { transactionalId: "tx", timeoutMs: TIMEOUT_MS, claimed: undefined };
    expect(await transactions.end(claim, "commit")).toBe("CONCURRENT_TRANSACTIONS");
    expect(await transactions.addPartitions(claim, [])).toBe("CONCURRENT_TRANSACTIONS");
    expect(await transactions.addGroup(claim, "g")).toBe("CONCURRENT_TRANSACTIONS");
    expect(await commit(0)).toEqual(["CONCURRENT_TRANSACTIONS"]);
    expect(await transactions.initialize(request)).toBe("CONCURRENT_TRANSACTIONS");
    expect(await ending).toBe("NONE");
    expect(await transactions.end(claim, "commit")).toBe("NONE");
  });

  it("takes no batch while it ends, but does while partitions are added", async () => {
    const batch = transactionalBatch(BigInt(claim.producer.id), ["x"]);
    const produced = { partition: partitions[0] as Partition, transactionalId: "tx" };
    const other = await log.createTopic("u", { partitions: 1 });
    const adding = transactions.addPartitions(claim, other.partitions);
    expect(() => transactions.admit(batch, produced)).not.toThrow();
    await adding;
    const ending = transactions.end(claim, "commit");
    expect(() => transactions.admit(batch, produced)).toThrow(
      expect.objectContaining({ kafkaError: "INVALID_TXN_STATE" }),
    );
    await ending;
  });

  it("is made once, where two ask for it together", async () => {
    const request = { transactionalId: "new", timeoutMs: TIMEOUT_MS, claimed: undefined };
    const both = [transactions.initialize(request), transactions.initialize(request)];
    const answers = await Promise.all(both);
    expect(answers[0]).toMatchObject({ epoch: 0 });
    expect(answers[1]).toBe("CONCURRENT_TRANSACTIONS");
  });

  it("is aborted later, where it times out while it is busy", async () => {
    await send(partitions[0]);
    await timers.advance(TIMEOUT_MS - 1);
    // What is asked now is on its way to the disk when the time is over.
    const adding = transactions.addGroup(claim, "g");
    timers.advance(1).catch(() => {});
    expect(await adding).toBe("NONE");
    expect(transactions.find("tx")?.record.state).toBe("Ongoing");
    await timers.advance(10_000);
    await expect.poll(() => transactions.find("tx")?.record.state).toBe("CompleteAbort");
  });
});

describe("where small state is full", () => {
  it("a transaction can be committed, with offsets that its group never had", async () => {
    await send(partitions[0]);
    await transactions.addGroup(claim, "g");
    // The group has an offset for partition 1 already.
    const own = { topic: "t", leaderEpoch: -1, metadata: null };
    await groups.commit("g", NOBODY, [{ ...own, partition: 1, offset: 1 }]);
    expect(await commit(1)).toEqual(["NONE"]);
    expect(await commit(2)).toEqual(["NONE"]);
    await fillState(log);
    expect(await commit(0)).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
    expect(await transactions.end(claim, "commit")).toBe("NONE");
    expect(offsets()).toEqual([undefined, 5, 5]);
    expect(groups.transactionalOffsets.pending.size).toBe(0);
    expect([...log.state.entries("txn-offset/")]).toEqual([]);
    expect((await readAllCommitted(log, partitions[0] as Partition)).values).toEqual(["x"]);
  });

  it("a transaction can be aborted", async () => {
    await send(partitions[0]);
    await transactions.addGroup(claim, "g");
    await commit(2);
    await fillState(log);
    expect(await transactions.end(claim, "abort")).toBe("NONE");
    expect(offsets()).toEqual([undefined, undefined, undefined]);
    expect(groups.transactionalOffsets.pending.size).toBe(0);
  });
});
