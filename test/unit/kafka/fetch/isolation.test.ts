/** What Fetch and ListOffsets answer to readers of committed and of uncommitted records (KIP-98). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import type { MarkerKind, Partition } from "../../../../src/log/contract.ts";
import { batchOf, transactionalBatch } from "../../../support/batches.ts";
import { appended, ended } from "../../../support/transactions.ts";
import { TestBroker } from "../test-broker.ts";
import { type Answer, versionsOf, type WireClient } from "../wire-client.ts";

const UNCOMMITTED = 0;
const COMMITTED = 1;
const T0 = 1_700_000_000_000;
const A = 7n;
const B = 8n;

let broker: TestBroker;
let client: WireClient;
let partition: Partition;

beforeEach(async () => {
  // The markers get the time of this clock.
  const clock = new ManualClock(T0);
  broker = await TestBroker.start({ limits: { readSliceBytes: 100 } }, { clock });
  client = await broker.client();
  partition = (await broker.log.createTopic("t", { partitions: 1 })).partitions[0] as Partition;
});

afterEach(() => broker.close());

const add = (batch: Buffer) => appended(broker.log, partition, batch);
const end = (producerId: bigint, kind: MarkerKind) =>
  ended(broker.log, partition, producerId, kind);

/** Two aborted transactions, the one that ends first begun last, and behind them an open one. */
async function fill(): Promise<void> {
  await add(transactionalBatch(A, ["a1"])); // 0
  await add(transactionalBatch(B, ["b1"])); // 1
  await add(batchOf(["plain"])); // 2
  await end(B, "abort"); // 3
  await add(transactionalBatch(A, ["a2"])); // 4
  await end(A, "abort"); // 5
  await add(transactionalBatch(B, ["open"])); // 6
  await add(batchOf(["behind"], T0 + 1000)); // 7
}

async function fetch(
  isolation: number,
  { version = 16, from = 0, waitMs = 0 } = {},
): Promise<Answer> {
  // The other implementation calls it so in the versions with names too.
  const topicId = version >= 13 ? broker.log.topic("t")?.id : "t";
  const wanted = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(from),
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes: 1e6,
  };
  const topics = [{ topicId, partitions: [wanted] }];
  const args = [waitMs, 1, 1e6, isolation, 0, -1, topics, [], ""];
  return (await client.ask("Fetch", version, ...args)).responses[0].partitions[0];
}

function offsets({ records }: Answer): number[] {
  return (records ?? []).map((batch: Answer) => Number(batch.firstOffset));
}

async function offsetAt(isolation: number, timestamp: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: BigInt(timestamp) }];
  const answer = await client.ask("ListOffsets", 8, -1, isolation, [{ name: "t", partitions }]);
  return Number(answer.topics[0].partitions[0].offset);
}

describe("Fetch", () => {
  for (const version of versionsOf("Fetch")) {
    it(`ends at the last stable offset for committed records, in version ${version}`, async () => {
      await fill();
      const answer = await fetch(COMMITTED, { version });
      expect(answer.errorCode).toBe(KAFKA_ERRORS.NONE);
      expect([Number(answer.lastStableOffset), Number(answer.highWatermark)]).toEqual([6, 8]);
      expect(offsets(answer)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(answer.abortedTransactions).toEqual([
        { producerId: A, firstOffset: 0n },
        { producerId: B, firstOffset: 1n },
      ]);
    });
  }

  it("answers everything, and no list, where uncommitted records are asked for", async () => {
    await fill();
    const answer = await fetch(UNCOMMITTED);
    expect([Number(answer.lastStableOffset), Number(answer.highWatermark)]).toEqual([6, 8]);
    expect(offsets(answer)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(answer.abortedTransactions ?? null).toEqual(null);
  });

  it("lists only the aborted transactions that the answer is about", async () => {
    await fill();
    const answer = await fetch(COMMITTED, { from: 4 });
    expect(offsets(answer)).toEqual([4, 5]);
    expect(answer.abortedTransactions).toEqual([{ producerId: A, firstOffset: 0n }]);
  });

  it("finds nothing, and no error, between the last stable offset and the end", async () => {
    await fill();
    const answer = await fetch(COMMITTED, { from: 7 });
    expect([answer.errorCode, offsets(answer)]).toEqual([KAFKA_ERRORS.NONE, []]);
    expect(answer.abortedTransactions).toEqual([]);
  });

  it("waits for the end of the open transaction, however many records come meanwhile", async () => {
    await fill();
    let answered = false;
    const waiting = fetch(COMMITTED, { from: 6, waitMs: 60_000 }).finally(() => {
      answered = true;
    });
    await add(batchOf(["further"])); // 8
    // A request of another connection that comes after the flush, and is answered.
    await (await broker.client()).produce("t", 0, batchOf(["more"])); // 9
    expect(answered).toBe(false);
    await end(B, "commit"); // 10
    expect(offsets(await waiting)).toEqual([6, 7, 8, 9, 10]);
  });
});

describe("ListOffsets", () => {
  it("answers the last stable offset as the end of committed records", async () => {
    await fill();
    expect(await offsetAt(COMMITTED, -1)).toBe(6);
    expect(await offsetAt(UNCOMMITTED, -1)).toBe(8);
    await end(B, "abort");
    expect(await offsetAt(COMMITTED, -1)).toBe(9);
  });

  it("finds no committed record at or above it, by time or as the newest", async () => {
    await fill();
    for (const timestamp of [T0 + 500, -3]) {
      expect(await offsetAt(COMMITTED, timestamp)).toBe(-1);
      expect(await offsetAt(UNCOMMITTED, timestamp)).toBe(7);
    }
    expect(await offsetAt(COMMITTED, T0)).toBe(0);
    expect(await offsetAt(COMMITTED, -2)).toBe(0);
    await end(B, "commit");
    expect(await offsetAt(COMMITTED, T0 + 500)).toBe(7);
  });
});
