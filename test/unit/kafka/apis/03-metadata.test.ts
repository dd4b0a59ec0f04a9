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

describe("what is named often in one request", () => {
  const often = <Named>(...named: Named[]) => named.flatMap((each) => [each, each, each]);

  it("is described once by Metadata, by name as by id", async () => {
    const client = await broker.client();
    const topicId = broker.log.topic("t")?.id;
    const byId = often({ topicId, name: null });
    expect((await client.ask("Metadata", 12, byId, false, false)).topics).toHaveLength(1);
    const byName = often("t", "unknown");
    const { topics } = await client.ask("Metadata", 9, byName, false, false, false);
    expect(topics.map(({ name }: { name: string }) => name)).toEqual(["t", "unknown"]);
  });

  it.each([
    ["DescribeGroups", 5],
    ["ConsumerGroupDescribe", 0],
  ])("is described once by %s", async (api, version) => {
    const client = await broker.client();
    const { groups } = await client.ask(api, version, often("a", "b"), false);
    expect(groups.map(({ groupId }: { groupId: string }) => groupId)).toEqual(["a", "b"]);
  });
});
