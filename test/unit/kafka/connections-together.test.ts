/** What connections hold in memory together, against the server: who waits, and who is closed. */
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { PARTITION_REQUEST_BYTES_MAX, REQUEST_BYTES_MAX } from "../../../src/kafka/api.ts";
import { JOIN_REQUEST_BYTES_MAX } from "../../../src/kafka/apis/11-join-group.ts";
import { KAFKA_APIS } from "../../../src/kafka/apis.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { DEFAULT_GROUP_LIMITS } from "../../../src/kafka/groups/limits.ts";
import type { KafkaLimits } from "../../../src/kafka/limits.ts";
import { TestBroker } from "./test-broker.ts";
import type { WireClient } from "./wire-client.ts";

let broker: TestBroker;

afterEach(() => broker.close());

/** The beginning of a request of 900 bytes. */
const BEGINNING = Buffer.concat([Buffer.from([0, 0, 3, 132]), Buffer.alloc(100)]);

it("closes whoever brings more of a request whose end has not come than all may have", async () => {
  broker = await TestBroker.start({
    limits: { requestBytesMax: 1000, partialRequestsBytesMax: 1000 },
  });
  const [first, second] = [await broker.client(), await broker.client()];
  first.socket.write(BEGINNING);
  while (figure("partial_request_bytes") === 0) await new Promise(setImmediate);
  second.socket.write(BEGINNING);
  await once(second.socket, "close");
  expect(first.socket.destroyed).toBe(false);
  expect(broker.lines).toContainEqual({ level: "warn", message: "closing a Kafka connection" });
  first.close();
  while (figure("partial_request_bytes") > 0) await new Promise(setImmediate);
});

it("takes no one for slow whose every request comes to its end, wherever its bytes are parted", async () => {
  const clock = new ManualClock();
  const limits = { requestBytesMax: 1000, partialRequestsBytesMax: 1000 };
  broker = await TestBroker.start({ clock, limits });
  const [busy, slow] = [await broker.client(), await broker.client()];
  const request = Buffer.alloc(904);
  request.writeInt32BE(900, 0);
  request.writeInt16BE(KAFKA_APIS.find(({ name }) => name === "ApiVersions")?.key ?? -1, 4);
  busy.socket.write(request.subarray(0, 500));
  while (figure("partial_request_bytes") === 0) await new Promise(setImmediate);
  clock.advance(60_000);
  busy.socket.write(Buffer.concat([request.subarray(500), request.subarray(0, 500)]));
  while (busy.answered.length === 0) await new Promise(setImmediate);
  slow.socket.write(BEGINNING);
  await once(slow.socket, "close");
  busy.socket.write(request.subarray(500));
  while (busy.answered.length === 1) await new Promise(setImmediate);
});

it("counts a request until it is answered, though its client has gone", async () => {
  broker = await TestBroker.start();
  await broker.log.createTopic("t", { partitions: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.log.deleteRecords = async (partition) => {
    await promise;
    return partition.logStartOffset;
  };
  const client = await broker.client();
  const named = [{ name: "t", partitions: [{ partitionIndex: 0, offset: 0n }] }];
  const asked = [client.ask("DeleteRecords", 2, named, 1000)];
  while (figure("request_bytes") === 0) await new Promise(setImmediate);
  const begunBytes = figure("request_bytes");
  for (let nth = 0; nth < 5; nth += 1) asked.push(client.ask("ApiVersions", 3, "test", "1"));
  while (figure("request_bytes") < begunBytes * 3) await new Promise(setImmediate);
  client.close();
  await Promise.allSettled(asked);
  // One stands before the others, and is about to begin.
  while (figure("request_bytes") > begunBytes * 2) await new Promise(setImmediate);
  expect(figure("request_bytes")).toBeGreaterThanOrEqual(begunBytes);
  resolve();
  while (figure("request_bytes") > 0) await new Promise(setImmediate);
});

it("reads nobody's requests while those of all are many, until some are answered", async () => {
  broker = await TestBroker.start({ limits: { requestsBytesTotalMax: 40 } });
  await broker.log.createTopic("t", { partitions: 1 });
  const [slow, other] = [await broker.client(), await broker.client()];
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.log.deleteRecords = async (partition) => {
    await promise;
    return partition.logStartOffset;
  };
  const named = [{ name: "t", partitions: [{ partitionIndex: 0, offset: 0n }] }];
  const deleted = slow.ask("DeleteRecords", 2, named, 1000);
  while (figure("request_bytes") < 40) await new Promise(setImmediate);
  // It comes before anybody knows that it is too much; what comes after it is not read.
  await other.ask("ApiVersions", 3, "test", "1");
  const later = other.ask("ApiVersions", 3, "test", "1");
  await (await broker.client()).ask("ApiVersions", 3, "test", "1");
  expect(other.answered).toHaveLength(1);
  resolve();
  await Promise.all([deleted, later]);
  expect([other.answered.length, figure("request_bytes")]).toEqual([2, 0]);
});

describe("a request that waits for time or for others", () => {
  const fetchArgs = (topicId: string) => {
    const wanted = { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1 };
    const topics = [{ topicId, partitions: [{ ...wanted, partitionMaxBytes: 1e6 }] }];
    return [60_000, 1, 1e6, 0, 0, -1, topics, [], ""];
  };
  const join = (client: WireClient) => {
    const protocols = [{ name: "range", metadata: Buffer.alloc(500) }];
    return client.ask("JoinGroup", 9, "g", 60_000, 60_000, "", "i", "consumer", protocols, "");
  };

  async function start(limits: Partial<KafkaLimits>): Promise<string> {
    const groupLimits = { ...DEFAULT_GROUP_LIMITS, initialRebalanceDelayMs: 60_000 };
    broker = await TestBroker.start({ limits, groupLimits });
    return (await broker.log.createTopic("t", { partitions: 1 })).id;
  }

  it("is one of these APIs'", () => {
    const waiting = KAFKA_APIS.filter(({ waits }) => waits === true);
    expect(waiting.map(({ name }) => name).toSorted()).toEqual([
      "Fetch",
      "JoinGroup",
      "ListOffsets",
      "SyncGroup",
    ]);
  });

  it("keeps nobody else from being read, however large it was", async () => {
    const topicId = await start({ requestsBytesTotalMax: 80 });
    const waiting = [await broker.client(), await broker.client()] as const;
    const answers = [waiting[0].ask("Fetch", 16, ...fetchArgs(topicId)), join(waiting[1])];
    const other = await broker.client();
    for (let nth = 0; nth < 5; nth += 1) await other.ask("ApiVersions", 3, "test", "1");
    while (figure("request_bytes") > 0) await new Promise(setImmediate);
    expect(waiting.flatMap(({ answered }) => answered)).toEqual([]);
    for (const client of waiting) client.close();
    await Promise.allSettled(answers);
  });

  it("is answered where what came behind it would keep others from being read", async () => {
    const topicId = await start({ requestsBytesTotalMax: 80 });
    const [fetching, joining] = [await broker.client(), await broker.client()];
    for (const [client, ask] of [
      [fetching, () => fetching.ask("Fetch", 16, ...fetchArgs(topicId))],
      [joining, () => join(joining)],
    ] as const) {
      const first = ask();
      const behind = [1, 2, 3].map(() => client.ask("ApiVersions", 3, "test", "1"));
      const answer = await first;
      await Promise.all(behind);
      expect(answer.errorCode).toBe(client === joining ? KAFKA_ERRORS.REBALANCE_IN_PROGRESS : 0);
    }
    expect(figure("request_bytes")).toBe(0);
  });

  it("is told to ask again where it is a search by time", async () => {
    await start({ requestsBytesTotalMax: 80 });
    broker.log.offsetForTime = async (_partition, _timestampMs, signal) => {
      while (signal?.aborted === false) await new Promise(setImmediate);
      return undefined;
    };
    const client = await broker.client();
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: 5n }];
    const found = client.ask("ListOffsets", 8, -1, 0, [{ name: "t", partitions }]);
    const behind = [1, 2, 3].map(() => client.ask("ApiVersions", 3, "test", "1"));
    const [partition] = (await found).topics[0].partitions;
    expect(partition.errorCode).toBe(KAFKA_ERRORS.NOT_LEADER_OR_FOLLOWER);
    await Promise.all(behind);
    expect(figure("request_bytes")).toBe(0);
  });

  it("is answered also where it is another's requests that are too many", async () => {
    const topicId = await start({ requestsBytesTotalMax: 160 });
    const [fetching, other] = [await broker.client(), await broker.client()];
    const fetched = fetching.ask("Fetch", 16, ...fetchArgs(topicId));
    const behind = fetching.ask("ApiVersions", 3, "test", "1");
    while (figure("request_bytes") === 0) await new Promise(setImmediate);
    other.socket.cork(); // They come all at once.
    const others = Array.from({ length: 9 }, () => other.ask("ApiVersions", 3, "test", "1"));
    other.socket.uncork();
    await Promise.all([fetched, behind, ...others]);
    expect(figure("request_bytes")).toBe(0);
  });

  it("is forgotten when its connection is closed, with what came behind it", async () => {
    const topicId = await start({});
    const client = await broker.client();
    const fetched = client.ask("Fetch", 16, ...fetchArgs(topicId));
    const later = client.ask("ApiVersions", 3, "test", "1");
    while (figure("request_bytes") === 0) await new Promise(setImmediate);
    client.close();
    await Promise.allSettled([fetched, later]);
    while (figure("request_bytes") > 0) await new Promise(setImmediate);
    const held = [figure("unsent_bytes"), figure("fetch_answer_bytes"), figure("fetch_partitions")];
    expect(held).toEqual([0, 0, 0]);
  });

  it("is forgotten likewise where what came behind it is no request", async () => {
    const topicId = await start({});
    const client = await broker.client();
    const fetched = client.ask("Fetch", 16, ...fetchArgs(topicId));
    expect(await client.send(999, 0, Buffer.alloc(100), false)).toBeUndefined();
    await Promise.allSettled([fetched]);
    while (figure("request_bytes") > 0) await new Promise(setImmediate);
    expect(figure("fetch_partitions")).toBe(0);
  });
});

describe("the longest request of an API", () => {
  const padded = (bytes: number) => Buffer.alloc(bytes);

  it("is its own: a longer one closes its connection", async () => {
    broker = await TestBroker.start();
    for (const [key, version, bytes] of [
      [1, 4, PARTITION_REQUEST_BYTES_MAX],
      [2, 1, PARTITION_REQUEST_BYTES_MAX],
      [11, 0, JOIN_REQUEST_BYTES_MAX],
      [14, 0, REQUEST_BYTES_MAX],
    ] as const) {
      const client = await broker.client();
      expect(await client.send(key, version, padded(bytes), false)).toBeUndefined();
    }
    const reasons = broker.server.metrics().filter(({ name }) => name.endsWith("refused_total"));
    expect(reasons.map(({ labels, value }) => [labels?.["reason"], value])).toEqual([
      ["request-too-large", 4],
    ]);
  });
});

function figure(name: string): number {
  const metrics = broker.server.metrics();
  return metrics.find((sample) => sample.name === `tributary_kafka_${name}`)?.value ?? -1;
}
