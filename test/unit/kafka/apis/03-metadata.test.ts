import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestBroker } from "../test-broker.ts";

let broker: TestBroker;

beforeAll(async () => {
  broker = await TestBroker.start();
  await broker.log.createTopic("t", { partitions: 2 });
});
afterAll(() => broker.close());

describe("Metadata by id", () => {
  // The Java client leaves the name empty, others have null there.
  it.each(["", null, "other"])(
    "finds the topic, whatever stands for its name: %j",
    async (name) => {
      const client = await broker.client();
      const topicId = broker.log.topic("t")?.id;
      const { topics } = await client.ask("Metadata", 12, [{ topicId, name }], true, false);
      expect(topics).toMatchObject([{ errorCode: 0, name: "t", topicId, isInternal: false }]);
      expect(topics[0].partitions).toHaveLength(2);
      expect(broker.log.topic("other")).toBeUndefined();
    },
  );
});
