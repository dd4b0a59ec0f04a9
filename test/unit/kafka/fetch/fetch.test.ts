/** Fetch's traps, one by one: see what each test is named. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { batchOf } from "../../../support/batches.ts";
import { TestBroker } from "../test-broker.ts";
import type { Answer, WireClient } from "../wire-client.ts";

const VERSION = 16;
const LARGE = "x".repeat(2000);

let broker: TestBroker;
let client: WireClient;

beforeAll(async () => {
  broker = await TestBroker.start();
  client = await broker.client();
  await broker.log.createTopic("readings", { partitions: 3 });
  for (let at = 0; at < 5; at += 1) await client.produce("readings", 0, batchOf([LARGE, "b", "c"]));
  await client.produce("readings", 1, batchOf([LARGE]));
});

afterAll(async () => {
  await broker.close();
});

interface Wanted {
  readonly partition: number;
  readonly from: number;
  readonly bytesMax?: number;
  readonly leaderEpoch?: number;
}

async function fetch(
  wanted: readonly Wanted[],
  rules: { waitMs?: number; bytesMin?: number; bytesMax?: number; sessionId?: number } = {},
  topicId = broker.log.topic("readings")?.id,
): Promise<Answer> {
  const partitions = wanted.map(({ partition, from, bytesMax = 1e6, leaderEpoch = -1 }) => ({
    ...wantedFrom(from),
    partition,
    currentLeaderEpoch: leaderEpoch,
    partitionMaxBytes: bytesMax,
  }));
  const { waitMs = 0, bytesMin = 1, bytesMax = 1e6, sessionId = 0 } = rules;
  const topics = [{ topicId, partitions }];
  const args = [waitMs, bytesMin, bytesMax, 0, sessionId, -1, topics, [], ""];
  return await client.ask("Fetch", VERSION, ...args);
}

function wantedFrom(from: number) {
  return {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(from),
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1e6,
  };
}

async function partitionsOf(...args: Parameters<typeof fetch>): Promise<Answer[]> {
  return (await fetch(...args)).responses[0].partitions;
}

function offsets(partition: Answer): number[] {
  return partition.records.map((batch: Answer) => Number(batch.firstOffset));
}

describe("Fetch", () => {
  it("answers the whole batch for an offset inside it", async () => {
    const [partition] = await partitionsOf([{ partition: 0, from: 4 }]);
    expect(offsets(partition)).toEqual([3, 6, 9, 12]);
  });

  it("answers the first batch even where it is over every limit", async () => {
    const [first, second] = await partitionsOf(
      [
        { partition: 0, from: 0, bytesMax: 10 },
        { partition: 1, from: 0, bytesMax: 10 },
      ],
      { bytesMax: 10 },
    );
    expect(offsets(first)).toEqual([0]);
    expect(second.records ?? []).toEqual([]);
  });

  it("keeps to the limit of a partition and goes on to the next", async () => {
    const [first, second] = await partitionsOf([
      { partition: 0, from: 0, bytesMax: 5000 },
      { partition: 1, from: 0 },
    ]);
    expect(offsets(first)).toEqual([0, 3]);
    expect(offsets(second)).toEqual([0]);
  });

  it("answers nothing and no error at the end, out of range beyond it and below 0", async () => {
    const codes = [];
    for (const from of [15, 16, 2 ** 60, -3]) {
      const [partition] = await partitionsOf([{ partition: 0, from }]);
      codes.push(partition.errorCode);
    }
    const { NONE, OFFSET_OUT_OF_RANGE } = KAFKA_ERRORS;
    expect(codes).toEqual([NONE, OFFSET_OUT_OF_RANGE, OFFSET_OUT_OF_RANGE, OFFSET_OUT_OF_RANGE]);
  });

  it("reads a partition once, however often it is named, from where it was named last", async () => {
    const wanted = Array.from({ length: 50_000 }, (_, at) => ({
      partition: 0,
      from: at === 49_999 ? 12 : 0,
    }));
    const answers = await partitionsOf(wanted);
    expect(answers).toHaveLength(1);
    expect(offsets(answers[0])).toEqual([12]);
  });

  it("takes no limit below nothing for more than nothing, and answers a batch all the same", async () => {
    for (const bytesMax of [0, -1, -(2 ** 31)]) {
      const [first, second] = await partitionsOf([
        { partition: 0, from: 0, bytesMax },
        { partition: 1, from: 0, bytesMax },
      ]);
      expect([offsets(first), second.records ?? []]).toEqual([[0], []]);
      const [only] = await partitionsOf([{ partition: 1, from: 0 }], { bytesMax });
      expect(offsets(only)).toEqual([0]);
    }
  });

  it("waits for no longer than the broker lets it, nor for more than may come", async () => {
    const small = await TestBroker.start({ limits: { fetchWaitMsMax: 20 } });
    const other = await small.client();
    const { id } = await small.log.createTopic("readings", { partitions: 1 });
    const endless = [{ topicId: id, partitions: [wantedFrom(0)] }];
    const forEver = 2 ** 31 - 1;
    const empty = await other.ask("Fetch", VERSION, forEver, 1, 9, 0, 0, -1, endless, [], "");
    expect(empty.responses[0].partitions[0].records ?? []).toEqual([]);
    await small.close();
    const rules = { waitMs: 60_000, bytesMin: forEver, bytesMax: 10 };
    const [partition] = await partitionsOf([{ partition: 0, from: 0 }], rules);
    expect(offsets(partition)).toEqual([0]);
  });

  it("does not wait when a partition has an error, or when there is enough already", async () => {
    const patient = { waitMs: 60_000, bytesMin: 1e6 };
    const [, failed] = await partitionsOf(
      [
        { partition: 1, from: 0 },
        { partition: 2, from: 9 },
      ],
      patient,
    );
    expect(failed.errorCode).toBe(KAFKA_ERRORS.OFFSET_OUT_OF_RANGE);
    const [enough] = await partitionsOf([{ partition: 0, from: 0 }], {
      ...patient,
      bytesMin: 9000,
    });
    expect(offsets(enough)).toHaveLength(5);
  });

  it("waits until there are as many bytes as it asks for, reading none twice", async () => {
    await broker.log.createTopic("slow", { partitions: 1 });
    const id = broker.log.topic("slow")?.id;
    const waiting = partitionsOf(
      [{ partition: 0, from: 0 }],
      { waitMs: 60_000, bytesMin: 3 * 2000 },
      id,
    );
    const other = await broker.client();
    for (let at = 0; at < 3; at += 1) await other.produce("slow", 0, batchOf([LARGE]));
    expect(offsets((await waiting)[0])).toEqual([0, 1, 2]);
  });

  it("answers what there is when the time is over", async () => {
    const [partition] = await partitionsOf([{ partition: 1, from: 0 }], {
      waitMs: 20,
      bytesMin: 1e6,
    });
    expect(offsets(partition)).toEqual([0]);
  });

  it("tells a client that knows another leader epoch", async () => {
    const [partition] = await partitionsOf([{ partition: 0, from: 0, leaderEpoch: 3 }]);
    expect(partition.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_LEADER_EPOCH);
  });

  it("does not take a topic made again under the same name for the old one", async () => {
    const { id } = await broker.log.createTopic("again", { partitions: 1 });
    await broker.log.deleteTopic("again");
    await broker.log.createTopic("again", { partitions: 1 });
    const [partition] = await partitionsOf([{ partition: 0, from: 0 }], {}, id);
    expect(partition.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_ID);
  });

  it("is woken, and told so, when the topic that it waits in is deleted", async () => {
    const { id } = await broker.log.createTopic("brief", { partitions: 1 });
    const waiting = partitionsOf([{ partition: 0, from: 0 }], { waitMs: 60_000 }, id);
    await (await broker.client()).ask("ApiVersions", 3, "test", "1"); // The fetch has begun to wait.
    await broker.log.deleteTopic("brief");
    expect((await waiting)[0].errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_ID);
  });

  it("answers what it has read when its topic is deleted while it waits for more", async () => {
    const { id } = await broker.log.createTopic("brief", { partitions: 1 });
    await client.produce("brief", 0, batchOf(["a"]));
    const patient = { waitMs: 60_000, bytesMin: 1e6 };
    const waiting = partitionsOf([{ partition: 0, from: 0 }], patient, id);
    await (await broker.client()).ask("ApiVersions", 3, "test", "1");
    await broker.log.deleteTopic("brief");
    const [partition] = await waiting;
    expect([partition.errorCode, offsets(partition)]).toEqual([KAFKA_ERRORS.NONE, [0]]);
  });

  it("is told to wait where it finds no room for its partitions beside others", async () => {
    const full = await TestBroker.start({ limits: { fetchPartitionsTotalMax: 1 } });
    const other = await full.client();
    const { id } = await full.log.createTopic("readings", { partitions: 2 });
    const partitions = [0, 1].map((partition) => ({ ...wantedFrom(0), partition }));
    const args = [60_000, 1, 1e6, 0, 0, -1, [{ topicId: id, partitions }], [], ""];
    const answer = await other.ask("Fetch", VERSION, ...args);
    expect([answer.errorCode, answer.responses]).toEqual([KAFKA_ERRORS.NONE, []]);
    expect(answer.throttleTimeMs).toBe(100);
    const muted = full.server.metrics().find(({ name }) => name.endsWith("muted_connections"));
    expect(muted?.value).toBe(1);
    await full.close();
  });

  it("is answered by the broker's own limit where it asks for more", async () => {
    const small = await TestBroker.start({ limits: { fetchBytesMax: 5000, readSliceBytes: 100 } });
    const other = await small.client();
    const { id } = await small.log.createTopic("readings", { partitions: 1 });
    for (let at = 0; at < 5; at += 1) await other.produce("readings", 0, batchOf([LARGE]));
    const topics = [{ topicId: id, partitions: [wantedFrom(0)] }];
    const answer = await other.ask("Fetch", VERSION, 0, 1, 1e6, 0, 0, -1, topics, [], "");
    expect(offsets(answer.responses[0].partitions[0])).toHaveLength(2);
    await small.close();
  });
});
