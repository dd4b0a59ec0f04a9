/** Groups of both kinds side by side, and what becomes of one that is asked for as the other. */
import { beforeEach, describe, expect, it } from "vitest";
import { MAP_NAME } from "../../../../../src/kafka/groups/consumer/records.ts";
import { MemoryStorage } from "../../../../../src/log/storage/memory-storage.ts";
import { FailingStorage } from "../../../../support/failing-storage.ts";
import { type ConsumerHarness, startConsumerHarness } from "./consumer-harness.ts";

let harness: ConsumerHarness;

beforeEach(async () => {
  harness = await startConsumerHarness();
  await harness.log.createTopic("t", { partitions: 2 });
  await harness.log.createTopic("u", { partitions: 1 });
});

const PLACE = { topic: "t", partition: 0 };

async function leave(memberId: string) {
  expect((await harness.beat(memberId, -1)).error).toBe("NONE");
}

describe("a consumer group", () => {
  it("is listed as such, and described as dead to those who ask for a classic one", async () => {
    await harness.enter("a", ["t"], { serverAssignor: "range" });
    expect(harness.groups.list()).toEqual([
      { groupId: "g", kind: "consumer", state: "Stable", protocolType: "consumer" },
    ]);
    expect(harness.groups.describe("g").state).toBe("Dead");
    const { members, ...group } = harness.describeIt();
    expect(group).toMatchObject({ error: "NONE", assignor: "range" });
    const partitions = [
      { topicId: harness.log.topic("t")?.id, topicName: "t", partitions: [0, 1] },
    ];
    expect(members).toMatchObject([{ memberId: "a", assigned: partitions, target: partitions }]);
  });

  it("with members refuses those who join by the classic protocol", async () => {
    await harness.enter("a", ["t"]);
    expect((await harness.join()).error).toBe("INCONSISTENT_GROUP_PROTOCOL");
    expect((await harness.join({ memberId: "a" })).error).toBe("UNKNOWN_MEMBER_ID");
    expect(harness.heartbeat("a", 1)).toBe("UNKNOWN_MEMBER_ID");
    expect((await harness.sync("a", 1)).error).toBe("UNKNOWN_MEMBER_ID");
    expect(harness.groups.leave("g", [{ memberId: "a", instanceId: null }])).toEqual([
      "UNKNOWN_MEMBER_ID",
    ]);
  });

  it("that is empty becomes a classic one, with its offsets, also over a restart", async () => {
    await harness.enter("a", ["t"]);
    await leave("a");
    await harness.commit(7);
    const joined = harness.join();
    await harness.timers.advance(10_000);
    expect((await joined).error).toBe("NONE");
    expect(harness.groups.offsets.fetch("g", PLACE)?.offset).toBe(7);
    harness = await harness.restart();
    expect(harness.groups.list()).toMatchObject([{ groupId: "g", kind: "classic" }]);
    expect(harness.describeIt().error).toBe("GROUP_ID_NOT_FOUND");
  });

  it("whose reader leaves while its offsets are being deleted answers as it did", async () => {
    await harness.enter("a", ["t"]);
    const { epoch } = await harness.beat("a", 1);
    for (const topic of ["t", "u"]) {
      const claim = { memberId: "a", generation: epoch, version: 9 };
      expect(await harness.commit(7, claim, topic)).toEqual(["NONE"]);
    }
    const both = [PLACE, { topic: "u", partition: 0 }];
    const deleting = harness.groups.deleteOffsets("g", both);
    void harness.beat("a", -1);
    expect(await deleting).toEqual(["GROUP_SUBSCRIBED_TO_TOPIC", "NONE"]);
    expect(harness.groups.offsets.fetchAll("g").map(({ topic }) => topic)).toEqual(["t"]);
  });

  it("is deleted when it is empty, with its offsets, and not before", async () => {
    await harness.enter("a", ["t"]);
    expect(await harness.groups.delete(["g"])).toEqual(["NON_EMPTY_GROUP"]);
    await leave("a");
    await harness.commit(7);
    expect(await harness.groups.delete(["g"])).toEqual(["NONE"]);
    expect([...harness.log.keyValues("kafka-consumer-groups").entries()]).toEqual([]);
    harness = await harness.restart();
    expect(harness.groups.list()).toEqual([]);
    expect(harness.groups.offsets.all()).toEqual([]);
  });

  it("is there, in its epoch, where deleting it could not be written, and goes the next time", async () => {
    const disk = new FailingStorage(new MemoryStorage());
    harness = await startConsumerHarness({}, disk);
    await harness.log.createTopic("t", { partitions: 2 });
    await harness.enter("a", ["t"]);
    await leave("a");
    await harness.commit(7);
    disk.next("full", "full");
    expect(await harness.groups.delete(["g"])).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
    expect(harness.groups.list()).toMatchObject([{ kind: "consumer", state: "Empty" }]);
    expect(harness.describeIt().epoch).toBe(2);
    disk.next();
    expect(await harness.groups.delete(["g"])).toEqual(["NONE"]);
    harness = await harness.restart();
    expect(harness.groups.list()).toEqual([]);
    expect([...harness.log.keyValues(MAP_NAME).entries()]).toEqual([]);
  });

  it("that is made anew while the one before it is being removed outlives a restart", async () => {
    await harness.enter("a", ["t"]);
    const leaving = leave("a");
    const deleting = harness.groups.delete(["g"]);
    const { epoch } = await harness.enter("b", ["t"]);
    await Promise.all([leaving, deleting]);
    harness = await harness.restart();
    expect(harness.describeIt().members.map(({ memberId }) => memberId)).toEqual(["b"]);
    expect((await harness.beat("b", epoch)).error).toBe("NONE");
  });

  it("that has committed nothing is deleted too", async () => {
    await harness.enter("a", ["t"]);
    await leave("a");
    expect(await harness.groups.delete(["g"])).toEqual(["NONE"]);
    expect(harness.groups.list()).toEqual([]);
  });

  it("keeps the offsets of topics that its members read", async () => {
    await harness.enter("a", ["t"]);
    const places = [PLACE, { topic: "u", partition: 0 }];
    expect(await harness.groups.deleteOffsets("g", places)).toEqual([
      "GROUP_SUBSCRIBED_TO_TOPIC",
      "NONE",
    ]);
    await leave("a");
    expect(await harness.groups.deleteOffsets("g", places)).toEqual(["NONE", "NONE"]);
  });

  it("expires when it has been empty for long, and has committed nothing", async () => {
    const day = 24 * 60 * 60 * 1000;
    await harness.enter("a", ["t"]);
    await leave("a");
    await harness.timers.advance(6 * day);
    expect(harness.groups.list()).toHaveLength(1);
    await harness.timers.advance(2 * day);
    expect(harness.groups.list()).toEqual([]);
  });
});

describe("a classic group", () => {
  it("with members refuses those who join by the newer protocol", async () => {
    await harness.stableGroup(1);
    expect((await harness.enter("a", ["t"])).error).toBe("GROUP_ID_NOT_FOUND");
    expect(harness.describeIt()).toMatchObject({ error: "GROUP_ID_NOT_FOUND", members: [] });
  });

  it("that is empty becomes a consumer group, with its offsets, also over a restart", async () => {
    const { ids } = await harness.stableGroup(1);
    harness.groups.leave("g", [{ memberId: ids[0] ?? "", instanceId: null }]);
    await harness.commit(7);
    expect((await harness.enter("a", ["t"])).error).toBe("NONE");
    expect(harness.groups.offsets.fetch("g", PLACE)?.offset).toBe(7);
    harness = await harness.restart();
    expect(harness.groups.list()).toMatchObject([{ kind: "consumer", state: "Stable" }]);
  });

  it("that only commits becomes a consumer group too", async () => {
    await harness.commit(7);
    expect((await harness.enter("a", ["t"])).error).toBe("NONE");
    expect(await harness.commit(8, { version: 9 })).toEqual(["UNKNOWN_MEMBER_ID"]);
  });
});

it("a new group of either kind is refused where there are as many as there may be", async () => {
  harness = await startConsumerHarness({ groupsMax: 1 });
  await harness.enter("a", ["t"]);
  expect((await harness.enter("b", ["t"], { groupId: "h" })).error).toBe("POLICY_VIOLATION");
  expect((await harness.join({ groupId: "h" })).error).toBe("POLICY_VIOLATION");
  await leave("a");
  expect((await harness.enter("b", ["t"], { groupId: "h" })).error).toBe("NONE");
  expect(harness.groups.list()).toMatchObject([{ groupId: "h" }]);
});
