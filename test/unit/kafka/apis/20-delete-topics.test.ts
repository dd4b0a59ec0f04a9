import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TestBroker } from "../test-broker.ts";
import { fetchOffset } from "../transactions/transactional-producer.ts";
import type { WireClient } from "../wire-client.ts";

let broker: TestBroker;
let client: WireClient;

beforeEach(async () => {
  broker = await TestBroker.start();
  client = await broker.client();
  await broker.log.createTopic("t", { partitions: 2 });
});

afterEach(async () => {
  await broker.close();
});

async function commit(offset: number, partitions = [0]): Promise<void> {
  const other = await broker.client();
  const committed = partitions.map((partitionIndex) => ({
    ...{ partitionIndex, committedOffset: BigInt(offset) },
    ...{ committedLeaderEpoch: -1, committedMetadata: null },
  }));
  const topics = [{ name: "t", partitions: committed }];
  const answer = await other.ask("OffsetCommit", 8, "g", -1, "", null, topics);
  expect(answer.topics[0].partitions[0].errorCode).toBe(0);
}

const stored = () => [...broker.log.state.entries("group-offset/")].length;

it("DeleteTopics takes what groups have committed with the topic, and not of one made anew", async () => {
  const { log } = broker;
  await commit(3, [0, 1]);
  const real = log.deleteTopic.bind(log);
  // What others do while segments of the deleted topic are still being cleared away.
  vi.spyOn(log, "deleteTopic").mockImplementation(async (name) => {
    await real(name);
    await log.createTopic(name, { partitions: 2 });
    await commit(9);
  });
  const answer = await client.ask("DeleteTopics", 5, [{ name: "t" }], 1000);
  expect(answer.responses[0].errorCode).toBe(0);
  expect(await fetchOffset(client, "g", "t")).toEqual({ offset: 9, errorCode: 0 });
  expect(stored()).toBe(1);
});
