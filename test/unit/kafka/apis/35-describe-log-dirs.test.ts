import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchOf } from "../../../support/batches.ts";
import { TestBroker } from "../test-broker.ts";
import { versionsOf, type WireClient } from "../wire-client.ts";

describe("DescribeLogDirs", () => {
  let broker: TestBroker;
  let client: WireClient;
  const batch = batchOf(["a", "b"]);

  beforeAll(async () => {
    broker = await TestBroker.start({ logDirectory: "/var/lib/edge" });
    client = await broker.client();
    await broker.log.createTopic("one", { partitions: 2 });
    await broker.log.createTopic("two", { partitions: 1 });
    await client.produce("one", 1, Buffer.from(batch));
    await client.produce("one", 1, Buffer.from(batch));
  });

  afterAll(async () => {
    await broker.close();
  });

  it.each(versionsOf("DescribeLogDirs"))(
    "version %i tells what each partition takes, and what all may",
    async (version) => {
      const { results } = await client.ask("DescribeLogDirs", version, null);
      expect(results).toHaveLength(1);
      const [place] = results;
      expect(place).toMatchObject({ errorCode: 0, logDir: "/var/lib/edge" });
      const size = (partitionIndex: number, bytes: number) => ({
        partitionIndex,
        partitionSize: BigInt(bytes),
        offsetLag: 0n,
        isFutureKey: false,
      });
      expect(place.topics).toEqual([
        { name: "one", partitions: [size(0, 0), size(1, 2 * batch.length)] },
        { name: "two", partitions: [size(0, 0)] },
      ]);
      if (version < 4) return;
      const { diskBudgetBytes } = broker.log.stats();
      expect(place.totalBytes).toBe(BigInt(diskBudgetBytes));
      expect(place.usableBytes).toBeLessThan(place.totalBytes);
    },
  );

  it("tells of what is asked for and there, each once", async () => {
    const asked = [
      { name: "one", partitions: [1, 1, 9] },
      { name: "one", partitions: [1] },
      { name: "nowhere", partitions: [0] },
    ];
    const [{ topics }] = (await client.ask("DescribeLogDirs", 4, asked)).results;
    expect(topics).toMatchObject([{ name: "one", partitions: [{ partitionIndex: 1 }] }]);
  });
});
