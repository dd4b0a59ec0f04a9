import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { TestBroker } from "../test-broker.ts";
import { versionsOf, type WireClient } from "../wire-client.ts";

describe("CreatePartitions", () => {
  let broker: TestBroker;
  let client: WireClient;

  beforeAll(async () => {
    broker = await TestBroker.start();
    client = await broker.client();
  });

  afterAll(async () => {
    await broker.close();
  });

  async function grown(version: number, topics: readonly object[], validateOnly = false) {
    return (await client.ask("CreatePartitions", version, topics, 1000, validateOnly)).results;
  }

  it.each(versionsOf("CreatePartitions"))(
    "version %i gives a topic more partitions, which metadata then tells",
    async (version) => {
      const name = `grows-${version}`;
      await broker.log.createTopic(name, { partitions: 2 });
      const topic = { name, count: 5, assignments: null };
      expect(await grown(version, [topic], true)).toMatchObject([{ name, errorCode: 0 }]);
      expect(broker.log.topic(name)?.partitions).toHaveLength(2);
      expect(await grown(version, [topic])).toMatchObject([{ name, errorCode: 0 }]);
      const { topics } = await client.ask("Metadata", 9, [name], false, false, false);
      expect(topics[0].partitions).toHaveLength(5);
      const [again] = await grown(version, [topic]);
      expect(again).toMatchObject({ name, errorCode: KAFKA_ERRORS.INVALID_PARTITIONS });
      expect(again.errorMessage).toContain("has 5 partitions already");
    },
  );

  it("takes assignments to this broker, and no others", async () => {
    await broker.log.createTopic("placed", { partitions: 1 });
    const ask = async (...brokers: number[][]) => {
      const assignments = brokers.map((brokerIds) => ({ brokerIds }));
      return (await grown(3, [{ name: "placed", count: 3, assignments }], true))[0].errorCode;
    };
    expect(await ask([1], [1])).toBe(0);
    for (const wrong of [[[1]], [[1], [2]], [[1], [1, 1]], [[1], []]]) {
      expect(await ask(...wrong)).toBe(KAFKA_ERRORS.INVALID_REPLICA_ASSIGNMENT);
    }
  });

  it("refuses unknown topics, and what is named twice", async () => {
    await broker.log.createTopic("twice", { partitions: 1 });
    const topic = (name: string) => ({ name, count: 2, assignments: null });
    const results = await grown(3, [topic("nowhere"), topic("twice"), topic("twice")]);
    expect(results.map(({ errorCode }: { errorCode: number }) => errorCode)).toEqual([
      KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
      KAFKA_ERRORS.INVALID_REQUEST,
      KAFKA_ERRORS.INVALID_REQUEST,
    ]);
    expect(broker.log.topic("twice")?.partitions).toHaveLength(1);
  });
});
