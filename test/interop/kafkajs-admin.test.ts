/** kafkajs as an administrator of topics, over a log in memory. */
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TestBroker } from "../unit/kafka/test-broker.ts";

let broker: TestBroker;
let admin: Admin;

beforeAll(async () => {
  broker = await TestBroker.start({ defaultPartitions: 1 });
  admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
});

afterAll(async () => {
  await admin.disconnect();
  await broker.close();
});

it("creates, describes, lists and deletes topics", async () => {
  await admin.createTopics({ topics: [{ topic: "made", numPartitions: 3 }] });
  const { topics } = await admin.fetchTopicMetadata({ topics: ["made"] });
  expect(topics[0]?.partitions).toHaveLength(3);
  const [described] = (
    await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: "made" }],
    })
  ).resources;
  expect(described?.configEntries.map(({ configName }) => configName)).toContain("retention.ms");
  expect(await admin.describeCluster()).toMatchObject({ clusterId: "edge", controller: 1 });
  await admin.deleteTopics({ topics: ["made"] });
  expect(await admin.listTopics()).not.toContain("made");
});
