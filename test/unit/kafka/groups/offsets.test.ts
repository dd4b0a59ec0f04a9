import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { FailingStorage } from "../../../support/failing-storage.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { isSettled, startHarness } from "./group-harness.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const ANYONE = { memberId: "", generation: -1, instanceId: null };
const PLACE = { topic: "t", partition: 0 };

async function startWithTopic(...limits: Parameters<typeof startHarness>) {
  const harness = await startHarness(...limits);
  if (harness.log.topic("t") === undefined) await harness.log.createTopic("t", { partitions: 2 });
  return harness;
}

describe("a commit", () => {
  it("of a client without a group is taken while the group is empty, note and epoch kept", async () => {
    const { groups, commit } = await startWithTopic();
    expect(await commit(41)).toEqual(["NONE"]);
    expect(groups.offsets.fetch("g", PLACE)).toMatchObject({
      offset: 41,
      leaderEpoch: 0,
      metadata: "at 41",
    });
    expect(groups.describe("g")).toMatchObject({ state: "Empty", protocolType: "" });
  });

  it("of a client without a group is refused while the group has members", async () => {
    const { commit, stableGroup } = await startWithTopic();
    await stableGroup(1);
    expect(await commit(41)).toEqual(["UNKNOWN_MEMBER_ID"]);
  });

  it("of a member is taken in its generation, also while the group prepares the next", async () => {
    const { commit, join, stableGroup } = await startWithTopic();
    const { leader: memberId, generation } = await stableGroup(2);
    expect(await commit(1, { memberId, generation })).toEqual(["NONE"]);
    void join();
    expect(await commit(2, { memberId, generation })).toEqual(["NONE"]);
  });

  it("is refused between the generation and its assignment", async () => {
    const { commit, join, timers } = await startWithTopic();
    const joined = join();
    await timers.advance(10_000);
    const { memberId, generation } = await joined;
    expect(await commit(1, { memberId, generation })).toEqual(["REBALANCE_IN_PROGRESS"]);
  });

  it("with a generation, to a group that is not there, does not make one", async () => {
    const { groups, commit } = await startWithTopic();
    expect(await commit(1, { memberId: "old", generation: 3 })).toEqual(["ILLEGAL_GENERATION"]);
    expect(groups.list()).toEqual([]);
  });

  it("resolves only when it is on disk, and is not read before", async () => {
    const { groups, log, commit } = await startWithTopic();
    const committed = commit(5);
    expect(groups.offsets.fetch("g", PLACE)).toBeUndefined();
    const flushed = log.group().flushed;
    await flushed;
    expect(await isSettled(committed)).toBe(true);
    expect(groups.offsets.fetch("g", PLACE)?.offset).toBe(5);
  });

  it("answers for each partition what is wrong with it, and keeps the others", async () => {
    const { groups } = await startWithTopic({ offsetMetadataBytesMax: 4 });
    const one = { leaderEpoch: -1, metadata: null, offset: 1 };
    const answers = await groups.commit("g", ANYONE, [
      { ...one, topic: "t", partition: 0 },
      { ...one, topic: "t", partition: 9 },
      { ...one, topic: "none", partition: 0 },
      { ...one, topic: "t", partition: 1, metadata: "12345" },
    ]);
    expect(answers).toEqual([
      "NONE",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "OFFSET_METADATA_TOO_LARGE",
    ]);
    expect(groups.offsets.fetchAll("g")).toHaveLength(1);
  });

  it("of a negative offset is kept as it is: kafkajs resets a group to -2 (earliest)", async () => {
    const { groups, commit } = await startWithTopic();
    expect(await commit(-2)).toEqual(["NONE"]);
    expect(groups.offsets.fetch("g", PLACE)?.offset).toBe(-2);
  });

  it("of one more partition than the gateway keeps is refused, of a known one is not", async () => {
    const { groups, commit } = await startWithTopic({ offsetsMax: 1 });
    expect(await commit(1)).toEqual(["NONE"]);
    const other = { topic: "t", partition: 1, offset: 1, leaderEpoch: -1, metadata: null };
    expect(await groups.commit("g", ANYONE, [other])).toEqual(["POLICY_VIOLATION"]);
    expect(await commit(2)).toEqual(["NONE"]);
  });

  it("fails for the client where the log cannot write it", async () => {
    const { commit, log } = await startWithTopic();
    await commit(1);
    await log.close();
    await expect(commit(2)).resolves.toEqual(["COORDINATOR_NOT_AVAILABLE"]);
  });
});

describe("the offsets of a group", () => {
  it("are not mixed with those of a group whose name begins alike or has slashes", async () => {
    const { groups } = await startWithTopic();
    const at = (offset: number) => [{ ...PLACE, offset, leaderEpoch: -1, metadata: null }];
    await groups.commit("g", ANYONE, at(1));
    await groups.commit("g/t", ANYONE, at(2));
    await groups.commit("g/t/0", ANYONE, at(3));
    for (const [group, offset] of [
      ["g", 1],
      ["g/t", 2],
      ["g/t/0", 3],
    ] as const) {
      expect(groups.offsets.fetchAll(group).map((stored) => stored.offset)).toEqual([offset]);
    }
    expect(await groups.delete(["g/t"])).toEqual(["NONE"]);
    expect(groups.offsets.all()).toHaveLength(2);
  });

  it("survive a restart", async () => {
    const before = await startWithTopic();
    const { leader: memberId, generation } = await before.stableGroup(1);
    await before.commit(7, { memberId, generation });
    before.groups.close();
    await before.log.close();

    const { groups, commit } = await startWithTopic({}, before.storage);
    expect(groups.offsets.fetch("g", PLACE)).toMatchObject({ offset: 7, metadata: "at 7" });
    expect(await commit(9, { memberId, generation })).toEqual(["NONE"]);
    expect(groups.offsets.fetch("g", PLACE)?.offset).toBe(9);
  });

  it("do not count for a topic that was deleted and made again", async () => {
    const { groups, log, commit } = await startWithTopic();
    await commit(7);
    const topicId = log.topic("t")?.id ?? "";
    await log.deleteTopic("t");
    expect(groups.offsets.fetchAll("g")).toEqual([]);
    await log.createTopic("t", { partitions: 2 });
    expect(groups.offsets.fetch("g", PLACE)).toBeUndefined();
    await groups.forgetTopic(topicId);
    expect(groups.offsets.all()).toEqual([]);
  });

  it("outlive those of the topic that had the name before, be they on the disk or on their way", async () => {
    const { groups, log, commit, timers } = await startWithTopic();
    const at = (partition: number) => [
      { topic: "t", partition, offset: 1, leaderEpoch: -1, metadata: null },
    ];
    for (const group of ["g", "h"]) await groups.commit(group, ANYONE, [...at(0), ...at(1)]);
    const topicId = log.topic("t")?.id ?? "";
    await log.deleteTopic("t");
    await log.createTopic("t", { partitions: 2 });
    await commit(8);
    const committing = groups.commit("h", ANYONE, at(0));
    await Promise.all([groups.forgetTopic(topicId), committing]);
    const left = groups.offsets.all().map(({ group, partition }) => [group, partition]);
    expect(left).toEqual([
      ["g", 0],
      ["h", 0],
    ]);
    expect(groups.offsets.fetchAllOf(new Set(["g", "h"])).size).toBe(2);
    const again = groups.commit("h", ANYONE, at(0));
    await timers.advance(DAY_MS);
    await again;
    expect(groups.offsets.all()).toHaveLength(2);
  });

  it("on their way with a transaction are not lost to what stood there before", async () => {
    const { groups, log, commit } = await startWithTopic();
    await commit(7);
    const topicId = log.topic("t")?.id ?? "";
    await log.deleteTopic("t");
    await log.createTopic("t", { partitions: 2 });
    const commits = [{ ...PLACE, offset: 9, leaderEpoch: -1, metadata: null }];
    await groups.commitInTransaction("g", ANYONE, 5, commits);
    const append = log.group();
    groups.transactionalOffsets.endIn(append, 5, "commit");
    await Promise.all([groups.forgetTopic(topicId), append.flushed]);
    groups.transactionEnded(5, "commit");
    expect(groups.offsets.fetch("g", PLACE)?.offset).toBe(9);
  });

  it("are there, with their group, where deleting it could not be written, and go the next time", async () => {
    const storage = new FailingStorage(new MemoryStorage());
    const { groups, commit } = await startWithTopic({}, storage);
    await commit(7);
    storage.next("full", "full");
    expect(await groups.delete(["g", "none"])).toEqual([
      "COORDINATOR_NOT_AVAILABLE",
      "GROUP_ID_NOT_FOUND",
    ]);
    expect(groups.list()).toHaveLength(1);
    expect(groups.offsets.fetch("g", PLACE)?.offset).toBe(7);
    storage.next();
    expect(await groups.delete(["g", "g"])).toEqual(["NONE", "NONE"]);
    expect(groups.offsets.all()).toEqual([]);
    expect(groups.list()).toEqual([]);
  });

  it("of a closed log are not deleted, and the group is told so", async () => {
    const { groups, commit, log } = await startWithTopic();
    await commit(7);
    await log.close();
    expect(await groups.delete(["g"])).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
    expect(groups.list()).toHaveLength(1);
  });

  it("are deleted with a group that is idle, and not with one that has members", async () => {
    const { groups, commit, stableGroup } = await startWithTopic();
    await commit(7);
    expect(await groups.delete(["g", "none"])).toEqual(["NONE", "GROUP_ID_NOT_FOUND"]);
    expect(groups.offsets.all()).toEqual([]);
    expect(groups.describe("g").state).toBe("Dead");
    await stableGroup(1);
    expect(await groups.delete(["g"])).toEqual(["NON_EMPTY_GROUP"]);
  });

  it("are not deleted from under a topic that a member reads", async () => {
    const { groups, log, join, sync, timers } = await startWithTopic();
    await log.createTopic("u", { partitions: 1 });
    // ConsumerProtocolSubscription version 0, topics ["t"].
    const metadata = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0, 0, 0, 0]);
    const joined = join({ protocols: [{ name: "range", metadata }] });
    await timers.advance(10_000);
    const { memberId } = await joined;
    await sync(memberId, 1);
    const both = [PLACE, { topic: "u", partition: 0 }];
    expect(await groups.deleteOffsets("g", both)).toEqual(["GROUP_SUBSCRIBED_TO_TOPIC", "NONE"]);
    expect(await groups.deleteOffsets("none", both)).toBe("GROUP_ID_NOT_FOUND");
  });
});

describe("expiry", () => {
  const limits = { offsetRetentionMs: 3 * DAY_MS, expiryGraceMs: DAY_MS, expiryCheckMs: HOUR_MS };

  it("takes what nobody has committed for the retention, then the group", async () => {
    const { groups, commit, timers } = await startWithTopic(limits);
    await commit(7);
    await timers.advance(3 * DAY_MS - HOUR_MS);
    expect(groups.offsets.all()).toHaveLength(1);
    await timers.advance(2 * HOUR_MS);
    expect(groups.offsets.all()).toEqual([]);
    expect(groups.list()).toEqual([]);
  });

  it("counts from when the last member left, and spares groups with members", async () => {
    const { groups, commit, heartbeat, timers, stableGroup } = await startWithTopic(limits);
    const { leader: memberId, generation } = await stableGroup(1);
    await commit(7, { memberId, generation });
    for (let passedMs = 0; passedMs < 4 * DAY_MS; passedMs += 9_000) {
      heartbeat(memberId, generation);
      timers.clock.advance(9_000);
    }
    await timers.advance(0);
    expect(groups.offsets.all()).toHaveLength(1);
    groups.leave("g", [{ memberId, instanceId: null }]);
    await timers.advance(2 * DAY_MS);
    expect(groups.offsets.all()).toHaveLength(1);
    await timers.advance(DAY_MS + HOUR_MS);
    expect(groups.offsets.all()).toEqual([]);
  });

  it("waits after a start, so that consumers come back first after a month in a drawer", async () => {
    const before = await startWithTopic(limits);
    await before.commit(7);
    before.groups.close();
    await before.log.close();
    const later = new ManualTimers(before.clock.nowMs() + 30 * DAY_MS);
    const { groups, timers } = await startWithTopic(limits, before.storage, later);
    await timers.advance(DAY_MS - 1);
    expect(groups.offsets.all()).toHaveLength(1);
    await timers.advance(HOUR_MS);
    expect(groups.offsets.all()).toEqual([]);
  });
});
