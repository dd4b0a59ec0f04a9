/** Every version of the APIs against a running server, through another implementation's codecs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_APIS } from "../../../src/kafka/apis.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { batchOf } from "../../support/batches.ts";
import { TestBroker } from "./test-broker.ts";
import type { Answer, WireClient } from "./wire-client.ts";

const TIME_MS = 1_700_000_000_000;

let broker: TestBroker;
let client: WireClient;

beforeAll(async () => {
  broker = await TestBroker.start();
  client = await broker.client();
  await broker.log.createTopic("readings", { partitions: 2 });
  for (const values of [["a", "b", "c"], ["d"], ["e", "f"]]) {
    await client.produce("readings", 0, batchOf(values, TIME_MS));
  }
});

afterAll(async () => {
  await broker.close();
});

function eachVersion(name: string, body: (version: number) => Promise<void>, from = 0): void {
  const api = KAFKA_APIS.find((each) => each.name === name);
  if (api === undefined) throw new Error(`no API ${name}`);
  const [min, max] = api.versions;
  for (let version = Math.max(min, from); version <= max; version += 1) {
    it(`${name} version ${version} is read and answered as others do`, () => body(version));
  }
}

describe("the table of APIs", () => {
  it("is in order of its keys, each once", () => {
    const keys = KAFKA_APIS.map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
  });
});

describe("ApiVersions", () => {
  eachVersion("ApiVersions", async (version) => {
    const answer = await client.ask("ApiVersions", version, "test", "1.0");
    expect(answer.errorCode).toBe(KAFKA_ERRORS.NONE);
    expect(answer.apiKeys).toHaveLength(KAFKA_APIS.length);
    expect(answer.apiKeys[0]).toMatchObject({ apiKey: 0, minVersion: 0, maxVersion: 11 });
  });

  it("answers a version from the future in the oldest form, with the list", async () => {
    const frame = await client.send(18, 99, Buffer.from([1, 2, 3]), true);
    expect(frame?.readInt16BE(4)).toBe(KAFKA_ERRORS.UNSUPPORTED_VERSION);
    expect(frame?.readInt32BE(6)).toBe(KAFKA_APIS.length);
  });
});

describe("Produce", () => {
  eachVersion(
    "Produce",
    async (version) => {
      await broker.log.createTopic(`produced-${version}`, { partitions: 1 });
      const message = { topic: `produced-${version}`, partition: 0, value: Buffer.from("x") };
      const answer = await client.ask("Produce", version, -1, 1000, [message, message], {});
      const [partition] = answer.responses[0].partitionResponses;
      expect(partition).toMatchObject({ errorCode: 0, baseOffset: 0n });
      expect(broker.log.topic(`produced-${version}`)?.partitions[0]?.highWatermark).toBe(2);
    },
    3,
  );

  for (const version of [0, 1, 2]) {
    it(`version ${version} is advertised, and refused when it comes`, async () => {
      const { errorCode } = await client.produce("readings", 0, batchOf(["x"]), { version });
      expect(errorCode).toBe(KAFKA_ERRORS.UNSUPPORTED_VERSION);
    });
  }
});

describe("Fetch", () => {
  eachVersion("Fetch", async (version) => {
    const topic = broker.log.topic("readings");
    const topics = [
      {
        topic: "readings",
        topicId: version >= 13 ? topic?.id : "readings",
        partitions: [{ ...fetchFrom(0, 4n) }, { ...fetchFrom(1, 0n) }, { ...fetchFrom(9, 0n) }],
      },
    ];
    const answer = await client.ask("Fetch", version, 0, 1, 1e6, 0, 0, -1, topics, [], "");
    const [first, second, third] = answer.responses[0].partitions;
    expect(first).toMatchObject({ partitionIndex: 0, errorCode: 0, highWatermark: 6n });
    expect(first.records[0]).toMatchObject({ firstOffset: 4n, lastOffsetDelta: 1 });
    expect(second).toMatchObject({ partitionIndex: 1, errorCode: 0, highWatermark: 0n });
    expect(third.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
  });

  function fetchFrom(partition: number, fetchOffset: bigint) {
    return {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 1e6,
    };
  }
});

describe("ListOffsets", () => {
  eachVersion("ListOffsets", async (version) => {
    const at = async (partitionIndex: number, timestamp: number) => {
      const wanted = [{ partitionIndex, currentLeaderEpoch: -1, timestamp: BigInt(timestamp) }];
      const topics = [{ name: "readings", partitions: wanted }];
      const answer = await client.ask("ListOffsets", version, -1, 0, topics);
      return answer.topics[0].partitions[0];
    };
    expect(await at(0, -1)).toMatchObject({ errorCode: 0, offset: 6n });
    expect(await at(0, -2)).toMatchObject({ errorCode: 0, offset: 0n });
    expect(await at(0, TIME_MS + 1)).toMatchObject({ offset: 1n, timestamp: BigInt(TIME_MS + 1) });
    expect(await at(0, TIME_MS + 9)).toMatchObject({ errorCode: 0, offset: -1n });
    const newest = await at(0, -3);
    if (version >= 7) expect(newest).toMatchObject({ offset: 2n });
    else expect(newest.errorCode).toBe(KAFKA_ERRORS.UNSUPPORTED_VERSION);
    expect(await at(7, -1)).toMatchObject({ errorCode: KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION });
  });
});

describe("Metadata", () => {
  eachVersion("Metadata", async (version) => {
    const answer = await client.ask("Metadata", version, ["readings"], false, true, true);
    expect(answer.brokers).toMatchObject([{ nodeId: 1, host: "127.0.0.1", port: broker.port }]);
    expect(answer.topics).toHaveLength(1);
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, name: "readings" });
    expect(answer.topics[0].partitions).toHaveLength(2);
    expect(answer.topics[0].partitions[0]).toMatchObject({ leaderId: 1, replicaNodes: [1] });
    if (version >= 10) expect(answer.topics[0].topicId).toBe(broker.log.topic("readings")?.id);
  });

  it("creates an unknown topic with four partitions, and not where the client forbids it", async () => {
    const forbidden = await client.ask("Metadata", 9, ["created"], false, false, false);
    expect(forbidden.topics[0].errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
    const [one, two] = await Promise.all([
      client.ask("Metadata", 9, ["created"], true, false, false),
      (await broker.client()).ask("Metadata", 9, ["created"], true, false, false),
    ]);
    expect(one.topics[0].partitions).toHaveLength(4);
    expect(two.topics[0]).toMatchObject({ errorCode: 0 });
    const invalid = await client.ask("Metadata", 9, ["no/topic"], true, false, false);
    expect(invalid.topics[0].errorCode).toBe(KAFKA_ERRORS.INVALID_TOPIC_EXCEPTION);
  });
});

describe("CreateTopics", () => {
  eachVersion("CreateTopics", async (version) => {
    const name = `made-${version}`;
    const topic = { name, numPartitions: -1, replicationFactor: 1, assignments: [] };
    const configs = [{ name: "retention.ms", value: "3600000" }];
    const ask = async (changes: object, validateOnly = false) => {
      const topics = [{ ...topic, configs, ...changes }];
      return (await client.ask("CreateTopics", version, topics, 1000, validateOnly)).topics[0];
    };
    expect(await ask({}, true)).toMatchObject({ name, errorCode: 0 });
    expect(broker.log.topic(name)).toBeUndefined();
    expect(await ask({})).toMatchObject({ name, errorCode: 0 });
    expect(broker.log.topic(name)?.partitions).toHaveLength(4);
    expect(broker.log.topic(name)?.config.retentionMs).toBe(3_600_000);
    expect((await ask({})).errorCode).toBe(KAFKA_ERRORS.TOPIC_ALREADY_EXISTS);
    const replicas = await ask({ name: "other", replicationFactor: 3 });
    expect(replicas.errorCode).toBe(KAFKA_ERRORS.INVALID_REPLICATION_FACTOR);
    const tiered = [{ name: "remote.storage.enable", value: "true" }];
    const refused = await ask({ name: "other", configs: tiered });
    expect(refused.errorCode).toBe(KAFKA_ERRORS.INVALID_CONFIG);
    expect((await ask({ name: "other", numPartitions: 0 })).errorCode).toBe(
      KAFKA_ERRORS.INVALID_PARTITIONS,
    );
  });
});

describe("CreateTopics", () => {
  it("keeps what Kafka knows and this gateway has no use for, and says what is the topic's own", async () => {
    const configs = [
      { name: "cleanup.policy", value: "compact" },
      { name: "min.insync.replicas", value: "2" },
      { name: "retention.ms", value: null },
    ];
    const topic = {
      name: "kept",
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs,
    };
    const [created] = (await client.ask("CreateTopics", 7, [topic], 1000, false)).topics;
    expect(broker.log.topic("kept")).toMatchObject({
      ownConfig: { cleanupPolicy: "compact" },
      inert: { "min.insync.replicas": "2" },
    });
    const own = created.configs.filter(({ configSource }: Answer) => configSource === 1);
    expect(own.map(({ name, value }: Answer) => [name, value])).toEqual([
      ["cleanup.policy", "compact"],
      ["min.insync.replicas", "2"],
    ]);
  });

  it("refuses a topic that is named twice, both times", async () => {
    const topic = {
      name: "twin",
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    };
    const { topics } = await client.ask("CreateTopics", 7, [topic, topic], 1000, false);
    expect(topics.map(({ errorCode }: Answer) => errorCode)).toEqual([
      KAFKA_ERRORS.INVALID_REQUEST,
      KAFKA_ERRORS.INVALID_REQUEST,
    ]);
    expect(broker.log.topic("twin")).toBeUndefined();
  });

  it("says in a dry run, too, that there cannot be so many partitions", async () => {
    const topic = {
      name: "wide",
      numPartitions: 2000,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    };
    const { topics } = await client.ask("CreateTopics", 7, [topic], 1000, true);
    expect(topics[0].errorCode).toBe(KAFKA_ERRORS.INVALID_PARTITIONS);
  });
});

describe("DeleteTopics", () => {
  eachVersion("DeleteTopics", async (version) => {
    const name = `doomed-${version}`;
    const { id } = await broker.log.createTopic(name, { partitions: 1 });
    const ask = async () => {
      const topics = version >= 6 ? [{ name: null, topicId: id }] : [{ name }];
      return (await client.ask("DeleteTopics", version, topics, 1000)).responses[0];
    };
    expect(await ask()).toMatchObject({ name, errorCode: 0 });
    expect(broker.log.topic(name)).toBeUndefined();
    expect((await ask()).errorCode).toBe(
      version >= 6 ? KAFKA_ERRORS.UNKNOWN_TOPIC_ID : KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
    );
  });
});

describe("InitProducerId", () => {
  const given = new Set<bigint>();

  eachVersion("InitProducerId", async (version) => {
    const answer = await client.ask("InitProducerId", version, null, 1000, -1n, -1);
    expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    expect(given.has(answer.producerId)).toBe(false);
    given.add(answer.producerId);
  });
});

describe("OffsetForLeaderEpoch", () => {
  eachVersion("OffsetForLeaderEpoch", async (version) => {
    const at = async (currentLeaderEpoch: number, leaderEpoch = 0) => {
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch, leaderEpoch }];
      const topics = [{ name: "readings", partitions }];
      const answer = await client.ask("OffsetForLeaderEpoch", version, -1, topics);
      return answer.topics[0].partitions[0];
    };
    expect(await at(-1)).toMatchObject({ errorCode: 0, partition: 0, endOffset: 6n });
    expect((await at(5)).errorCode).toBe(KAFKA_ERRORS.UNKNOWN_LEADER_EPOCH);
    expect(await at(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0 });
    expect(await at(0, 3)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1n });
  });
});

describe("DescribeConfigs", () => {
  eachVersion("DescribeConfigs", async (version) => {
    const resources = [
      { resourceType: 2, resourceName: "readings", configurationKeys: ["retention.ms"] },
      { resourceType: 4, resourceName: "1", configurationKeys: null },
      { resourceType: 2, resourceName: "nowhere", configurationKeys: null },
    ];
    const answer = await client.ask("DescribeConfigs", version, resources, true, true);
    const [topic, node, nowhere] = answer.results;
    expect(topic.configs).toHaveLength(1);
    expect(topic.configs[0]).toMatchObject({ name: "retention.ms", value: "604800000" });
    expect(node.configs.length).toBeGreaterThan(10);
    expect(nowhere.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe("DescribeCluster", () => {
  eachVersion("DescribeCluster", async (version) => {
    const answer = await client.ask("DescribeCluster", version, true, 1);
    expect(answer).toMatchObject({ errorCode: 0, clusterId: "edge", controllerId: 1 });
    expect(answer.brokers).toMatchObject([{ brokerId: 1, port: broker.port }]);
  });
});
