/** Fetch sessions as clients use them (KIP-227), against the server. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { batchOf } from "../../../support/batches.ts";
import { TestBroker } from "../test-broker.ts";
import { type Answer, versionsOf, type WireClient } from "../wire-client.ts";

let broker: TestBroker;
let client: WireClient;

beforeEach(async () => {
  broker = await TestBroker.start();
  client = await broker.client();
  await broker.log.createTopic("t", { partitions: 3 });
});

afterEach(() => broker.close());

interface Asked {
  readonly id?: number;
  readonly epoch: number;
  /** Partitions, with the offset from which each is wanted. */
  readonly wanted?: Record<number, number>;
  readonly forgotten?: readonly number[];
  readonly version?: number;
  readonly waitMs?: number;
}

async function fetch(asked: Asked): Promise<Answer> {
  const { id = 0, epoch, wanted = {}, forgotten = [], version = 16, waitMs = 0 } = asked;
  const topicId = version >= 13 ? broker.log.topic("t")?.id : "t";
  const partitions = Object.entries(wanted).map(([partition, from]) => ({
    partition: Number(partition),
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(from),
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1e6,
  }));
  const topics = partitions.length === 0 ? [] : [{ topicId, partitions }];
  const dropped = forgotten.length === 0 ? [] : [{ topicId, partitions: forgotten }];
  return await client.ask("Fetch", version, waitMs, 1, 1e6, 0, id, epoch, topics, dropped, "");
}

function told(answer: Answer): number[] {
  return answer.responses.flatMap(({ partitions }: Answer) =>
    partitions.map(({ partitionIndex }: Answer) => partitionIndex),
  );
}

describe("a fetch session", () => {
  for (const version of versionsOf("Fetch").filter((each) => each >= 7)) {
    it(`answers what has changed, from the offset last asked for, in version ${version}`, async () => {
      const first = await fetch({ epoch: 0, wanted: { 0: 0, 1: 0, 2: 0 }, version });
      expect(told(first)).toEqual([0, 1, 2]);
      const id = first.sessionId;
      expect(id).toBeGreaterThan(0);
      expect(told(await fetch({ id, epoch: 1, version }))).toEqual([]);
      await client.produce("t", 1, batchOf(["a"]));
      const second = await fetch({ id, epoch: 2, version });
      expect([told(second), second.sessionId]).toEqual([[1], id]);
      // It is answered again until the client asks from further on.
      expect(told(await fetch({ id, epoch: 3, version }))).toEqual([1]);
      expect(told(await fetch({ id, epoch: 4, wanted: { 1: 1 }, version }))).toEqual([]);
      await client.produce("t", 1, batchOf(["b"]));
      await client.produce("t", 2, batchOf(["c"]));
      const last = await fetch({ id, epoch: 5, forgotten: [1], version });
      expect(told(last)).toEqual([2]);
      expect((await fetch({ id, epoch: -1, version })).sessionId).toBe(0);
      const gone = await fetch({ id, epoch: 6, version });
      expect(gone.errorCode).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    });
  }

  it("waits in all of its partitions, though the request names none", async () => {
    const { sessionId: id } = await fetch({ epoch: 0, wanted: { 0: 0, 2: 0 } });
    const waiting = fetch({ id, epoch: 1, waitMs: 60_000 });
    await (await broker.client()).produce("t", 2, batchOf(["a"]));
    expect(told(await waiting)).toEqual([2]);
  });

  it("tells of a topic that was deleted, also while it waits, and again", async () => {
    const { sessionId: id } = await fetch({ epoch: 0, wanted: { 0: 0 } });
    const waiting = fetch({ id, epoch: 1, waitMs: 60_000 });
    await (await broker.client()).ask("ApiVersions", 3, "test", "1");
    await broker.log.deleteTopic("t");
    for (const answer of [await waiting, await fetch({ id, epoch: 2, waitMs: 60_000 })]) {
      expect(answer.responses[0].partitions[0].errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_ID);
    }
  });

  it("cannot go on with names where it began with topic ids", async () => {
    const { sessionId: id } = await fetch({ epoch: 0, wanted: { 0: 0 } });
    const answer = await fetch({ id, epoch: 1, version: 12 });
    expect(answer.errorCode).toBe(KAFKA_ERRORS.FETCH_SESSION_TOPIC_ID_ERROR);
    expect(answer.sessionId).toBe(0);
  });
});
