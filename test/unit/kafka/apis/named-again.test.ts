/** What a request names again and again is answered once: an answer is no larger than what there is. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestBroker } from "../test-broker.ts";
import type { Answer, WireClient } from "../wire-client.ts";

let broker: TestBroker;
let client: WireClient;

beforeEach(async () => {
  broker = await TestBroker.start({ groupLimits: { initialRebalanceDelayMs: 0 } });
  await broker.log.createTopic("t", { partitions: 2 });
  client = await broker.client();
  for (const group of ["g", "h", "g/t"]) {
    await client.ask("OffsetCommit", 8, group, -1, "", null, [
      { name: "t", partitions: [{ ...COMMIT, committedOffset: 5n }] },
    ]);
  }
});
afterEach(() => broker.close());

const COMMIT = { partitionIndex: 0, committedLeaderEpoch: -1, committedMetadata: "m" };
const ALL = { topics: null, memberId: null, memberEpoch: -1 };

function named(answer: Answer): unknown[] {
  return answer.groups.map(({ groupId }: { groupId: string }) => groupId);
}

describe("OffsetFetch", () => {
  it("answers a group once, however often everything of it is asked for", async () => {
    const often = Array.from({ length: 1_000 }, () => ({ groupId: "g", ...ALL }));
    const answer = await client.ask("OffsetFetch", 9, [...often, { groupId: "h", ...ALL }], false);
    expect(named(answer)).toEqual(["g", "h"]);
    expect(answer.groups.map(({ topics }: Answer) => topics[0].partitions.length)).toEqual([1, 1]);
  });

  it("answers what each of several groups has, and nothing for one that has none", async () => {
    const asked = ["g/t", "nobody", "g"].map((groupId) => ({ groupId, ...ALL }));
    const answer = await client.ask("OffsetFetch", 8, asked, false);
    expect(named(answer)).toEqual(["g/t", "nobody", "g"]);
    expect(answer.groups.map(({ topics }: Answer) => topics.length)).toEqual([1, 0, 1]);
  });

  it("answers a partition of a group once", async () => {
    const topic = { name: "t", partitionIndexes: [0, 1, 0, 0] };
    const group = { ...ALL, groupId: "g", topics: [topic, topic] };
    const answer = await client.ask("OffsetFetch", 9, [group], false);
    expect(answer.groups[0].topics).toHaveLength(1);
    const indexes = answer.groups[0].topics[0].partitions.map(
      ({ partitionIndex }: Answer) => partitionIndex,
    );
    expect(indexes).toEqual([0, 1]);
  });
});

describe("DescribeGroups and ConsumerGroupDescribe", () => {
  it("describe a group once", async () => {
    const names = [...Array.from({ length: 1_000 }, () => "g"), "h"];
    expect(named(await client.ask("DescribeGroups", 5, names, false))).toEqual(["g", "h"]);
    expect(named(await client.ask("ConsumerGroupDescribe", 0, names, false))).toEqual(["g", "h"]);
  });
});
