import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { keyedBatch } from "../../../support/keyed-batches.ts";
import { TestBroker } from "../test-broker.ts";
import { versionsOf, type WireClient } from "../wire-client.ts";

describe("DeleteRecords", () => {
  let broker: TestBroker;
  let client: WireClient;

  beforeAll(async () => {
    broker = await TestBroker.start();
    client = await broker.client();
  });

  afterAll(async () => {
    await broker.close();
  });

  async function topicOf(name: string, cleanupPolicy: "delete" | "compact" = "delete") {
    const topic = await broker.log.createTopic(name, { partitions: 2, config: { cleanupPolicy } });
    const records = ["a", "b", "c", "d", "e"].map((value) => [value, value] as const);
    await client.produce(name, 0, keyedBatch({ records }));
    return topic.partitions[0];
  }

  async function deleted(version: number, name: string, ...wanted: [number, bigint][]) {
    const partitions = wanted.map(([partitionIndex, offset]) => ({ partitionIndex, offset }));
    const answer = await client.ask("DeleteRecords", version, [{ name, partitions }], 1000);
    return answer.topics[0].partitions;
  }

  it.each(versionsOf("DeleteRecords"))(
    "version %i deletes below an offset, and tells where the partition begins",
    async (version) => {
      const name = `records-${version}`;
      const partition = await topicOf(name);
      const [done, empty, missing] = await deleted(version, name, [0, 3n], [1, 0n], [9, 0n]);
      expect(done).toMatchObject({ partitionIndex: 0, errorCode: 0, lowWatermark: 3n });
      expect(empty).toMatchObject({ partitionIndex: 1, errorCode: 0, lowWatermark: 0n });
      expect(missing).toMatchObject({ errorCode: KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION });
      expect(partition?.logStartOffset).toBe(3);
    },
  );

  it("takes -1 for all there is, and an offset below the start for nothing to do", async () => {
    await topicOf("all");
    expect(await deleted(2, "all", [0, -1n])).toMatchObject([{ errorCode: 0, lowWatermark: 5n }]);
    expect(await deleted(2, "all", [0, 2n])).toMatchObject([{ errorCode: 0, lowWatermark: 5n }]);
    expect(await deleted(2, "all", [1, -1n])).toMatchObject([{ errorCode: 0, lowWatermark: 0n }]);
  });

  it("refuses what lies beyond the end, and topics that are only compacted", async () => {
    const partition = await topicOf("short");
    for (const offset of [6n, -2n]) {
      const [refused] = await deleted(2, "short", [0, offset]);
      expect(refused).toMatchObject({
        errorCode: KAFKA_ERRORS.OFFSET_OUT_OF_RANGE,
        lowWatermark: -1n,
      });
    }
    expect(partition?.logStartOffset).toBe(0);
    await topicOf("tables", "compact");
    const [compacted] = await deleted(2, "tables", [0, 1n]);
    expect(compacted.errorCode).toBe(KAFKA_ERRORS.POLICY_VIOLATION);
  });

  it("shows in what consumers are told of the partition's beginning", async () => {
    await topicOf("seen");
    await deleted(2, "seen", [0, 2n]);
    const wanted = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2n }];
    const topics = [{ name: "seen", partitions: wanted }];
    const answer = await client.ask("ListOffsets", 8, -1, 0, topics);
    expect(answer.topics[0].partitions[0]).toMatchObject({ errorCode: 0, offset: 2n });
  });
});
