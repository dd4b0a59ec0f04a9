/** A compacted topic over Kafka's wire: made, written, compacted and read by a client of Kafka's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { keyedBatch } from "../../support/keyed-batches.ts";
import { TestBroker } from "./test-broker.ts";
import { type Answer, produceBody, type WireClient } from "./wire-client.ts";

const CONFIGS = [
  ["cleanup.policy", "compact"],
  ["min.cleanable.dirty.ratio", "0.01"],
  ["max.compaction.lag.ms", "60000"],
].map(([name, value]) => ({ name, value }));

describe("a compacted topic, for a client of Kafka's,", () => {
  const clock = new ManualClock();
  let broker: TestBroker;
  let client: WireClient;

  beforeAll(async () => {
    broker = await TestBroker.start({}, { clock, retentionCheckMs: 0 });
    client = await broker.client();
    const topic = {
      name: "state",
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: CONFIGS,
    };
    const answer = await client.ask("CreateTopics", 7, [topic], 1000, false);
    expect(answer.topics[0].errorCode).toBe(KAFKA_ERRORS.NONE);
  });

  afterAll(() => broker.close());

  async function fetched(from: number): Promise<Answer> {
    const partition = {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(from),
      lastFetchedEpoch: -1,
      partitionMaxBytes: 1_000_000,
    };
    const topics = [{ topicId: broker.log.topic("state")?.id, partitions: [partition] }];
    const answer = await client.ask("Fetch", 16, 0, 1, 1e6, 0, 0, -1, topics, [], "");
    return answer.responses[0].partitions[0];
  }

  const read = ({ records }: Answer): string[] =>
    records.flatMap((batch: Answer) =>
      batch.records.map(
        ({ offsetDelta, key, value }: Answer) =>
          `${Number(batch.firstOffset) + offsetDelta}:${key}=${value}`,
      ),
    );

  it("keeps the newest record of each key, at its offset, and goes on behind holes", async () => {
    const first = keyedBatch({
      records: [
        ["a", "1"],
        ["b", "1"],
        ["a", "2"],
      ],
      codec: "zstd",
    });
    expect(await client.produce("state", 0, first)).toMatchObject({ errorCode: 0 });
    const second = keyedBatch({
      records: [
        ["a", "3"],
        ["c", "1"],
      ],
    });
    expect(await client.produce("state", 0, second)).toMatchObject({ baseOffset: 3 });
    await broker.log.compact();
    expect(read(await fetched(0))).toHaveLength(5);
    clock.advance(60_000);
    await broker.log.compact();
    expect(read(await fetched(0))).toEqual(["1:b=1", "3:a=3", "4:c=1"]);
    expect(read(await fetched(2))).toEqual(["1:b=1", "3:a=3", "4:c=1"]);
    const { highWatermark, logStartOffset } = await fetched(5);
    expect([Number(highWatermark), Number(logStartOffset)]).toEqual([5, 0]);
    expect(await client.produce("state", 0, second)).toMatchObject({ baseOffset: 5 });
  });

  it("refuses a batch with records without a key, and names each of them", async () => {
    const batch = keyedBatch({
      records: [
        ["a", "1"],
        [null, "2"],
        ["c", "3"],
        [null, null],
      ],
    });
    const body = produceBody(9, "state", 0, batch);
    const answer = await client.askBody("Produce", 9, body);
    const [partition] = answer.responses[0].partitionResponses;
    expect(partition).toMatchObject({
      errorCode: KAFKA_ERRORS.INVALID_RECORD,
      recordErrors: [
        { batchIndex: 1, batchIndexErrorMessage: "It has no key." },
        { batchIndex: 3, batchIndexErrorMessage: "It has no key." },
      ],
    });
    expect(partition.errorMessage).toContain("compacted by key");
    expect(broker.log.topic("state")?.partitions[0]?.highWatermark).toBe(7);
  });

  it("refuses them also in a batch that comes to megabytes, and takes it with keys", async () => {
    const value = "x".repeat(1000);
    const records = Array.from({ length: 3000 }, (_, at): [string | null, string] => [
      at === 2999 ? null : `${at}`,
      value,
    ]);
    const body = produceBody(9, "state", 0, keyedBatch({ records, codec: "zstd" }));
    const answer = await client.askBody("Produce", 9, body);
    expect(answer.responses[0].partitionResponses[0]).toMatchObject({
      errorCode: KAFKA_ERRORS.INVALID_RECORD,
      recordErrors: [{ batchIndex: 2999 }],
    });
    records[2999] = ["2999", value];
    const whole = keyedBatch({ records, codec: "zstd" });
    expect(await client.produce("state", 0, whole)).toMatchObject({ errorCode: 0, baseOffset: 7 });
  });

  it("describes the ratio as it was set", async () => {
    const keys = ["min.cleanable.dirty.ratio"];
    const resource = { resourceType: 2, resourceName: "state", configurationKeys: keys };
    const answer = await client.ask("DescribeConfigs", 4, [resource], true, true);
    expect(answer.results[0].configs[0]).toMatchObject({ value: "0.01", configSource: 1 });
  });
});
