import { beforeEach, describe, expect, it } from "vitest";
import {
  CONSUMER_SESSION_MS,
  type ConsumerHarness,
  REVOKE_MS,
  startConsumerHarness,
} from "./consumer-harness.ts";

let harness: ConsumerHarness;

beforeEach(async () => {
  harness = await startConsumerHarness();
  await harness.log.createTopic("t", { partitions: 4 });
});

/** a has 0 and 1, b has 2 and 3 (or the like), both in one epoch. */
async function twoMembers() {
  const { enter, beat, assigned } = harness;
  await enter("a", ["t"]);
  const entered = await enter("b", ["t"]);
  expect(assigned(entered)).toEqual({});
  const told = await beat("a", 1);
  const kept = assigned(told)?.["t"] ?? [];
  const { epoch } = await beat("a", 1, { holds: { t: kept } });
  const given = assigned(await beat("b", epoch))?.["t"] ?? [];
  return { epoch, kept, given };
}

describe("a member that joins", () => {
  it("alone gets everything at once, and is told when to come again", async () => {
    const answer = await harness.enter("a", ["t"]);
    expect(answer).toMatchObject({ error: "NONE", memberId: "a", epoch: 1 });
    expect(answer.heartbeatIntervalMs).toBe(5_000);
    expect(harness.assigned(answer)).toEqual({ t: [0, 1, 2, 3] });
    expect(harness.describeIt()).toMatchObject({ state: "Stable", epoch: 1, assignmentEpoch: 1 });
  });

  it("gets nothing of what another has before that one says it has given it back", async () => {
    const { enter, beat, assigned, describeIt } = harness;
    await enter("a", ["t"]);
    expect(assigned(await enter("b", ["t"]))).toEqual({});
    expect(describeIt().state).toBe("Reconciling");
    const told = await beat("a", 1);
    expect(told.epoch).toBe(1);
    const kept = assigned(told)?.["t"] ?? [];
    expect(kept).toHaveLength(2);
    // It is told once, and has until its time-out.
    expect(assigned(await beat("a", 1))).toBeUndefined();
    expect(assigned(await beat("a", 1, { holds: { t: [0, 1, 2, 3] } }))).toBeUndefined();
    expect(assigned(await beat("b", 2))).toBeUndefined();
    expect((await beat("a", 1, { holds: { t: kept } })).epoch).toBe(2);
    const given = assigned(await beat("b", 2))?.["t"] ?? [];
    expect([...kept, ...given].sort((one, other) => one - other)).toEqual([0, 1, 2, 3]);
    expect(describeIt().state).toBe("Stable");
  });

  it("is refused where a request makes no sense", async () => {
    const { enter, beat } = harness;
    const refused = async (asked: ReturnType<typeof enter>, error = "INVALID_REQUEST") => {
      const answer = await asked;
      expect(answer.error).toBe(error);
      expect(answer.message).not.toBeNull();
    };
    await refused(enter("", ["t"]));
    await refused(enter("a", null));
    await refused(enter("a", ["t"], { rebalanceTimeoutMs: -1 }));
    await refused(enter("a", ["t"], { holds: { t: [1] } }));
    await refused(enter("a", ["t"], { instanceId: "" }));
    await refused(enter("a", ["t"], { groupId: "" }));
    await refused(enter("a", ["x".repeat(300_000)]));
    await refused(enter("a".repeat(250), ["t"]));
    await refused(beat("a", -3));
    await refused(beat("a", -2));
    await refused(enter("a", ["t"], { serverAssignor: "mine" }), "UNSUPPORTED_ASSIGNOR");
    await refused(beat("a", 5), "GROUP_ID_NOT_FOUND");
    expect(harness.groups.list()).toEqual([]);
  });

  it("is refused where the group, or the gateway, has as many as it may", async () => {
    harness = await startConsumerHarness({ membersMax: 2, membersTotalMax: 3 });
    const { enter } = harness;
    expect((await enter("a", ["t"])).error).toBe("NONE");
    expect((await enter("b", ["t"])).error).toBe("NONE");
    expect((await enter("c", ["t"])).error).toBe("GROUP_MAX_SIZE_REACHED");
    expect((await enter("a", ["t"])).error).toBe("NONE");
    expect((await enter("d", ["t"], { groupId: "h" })).error).toBe("NONE");
    expect((await enter("e", ["t"], { groupId: "h" })).error).toBe("GROUP_MAX_SIZE_REACHED");
    const classic = await harness.join({ groupId: "old" });
    expect(classic.error).toBe("GROUP_MAX_SIZE_REACHED");
    await harness.beat("d", -1, { groupId: "h" });
    expect((await enter("e", ["t"], { groupId: "h" })).error).toBe("NONE");
  });

  it("is refused where the members of all groups would take too many bytes", async () => {
    harness = await startConsumerHarness({ memberBytesTotalMax: 6_000 });
    const topics = Array.from({ length: 100 }, (_, nth) => `topic-${nth}`);
    expect((await harness.enter("a", topics)).error).toBe("NONE");
    expect((await harness.enter("b", topics)).error).toBe("GROUP_MAX_SIZE_REACHED");
    await harness.beat("a", -1);
    expect((await harness.enter("b", topics)).error).toBe("NONE");
  });
});

describe("a member's epoch", () => {
  it("that is past, or has not come yet, is fenced, and the member may join again", async () => {
    const { beat, enter, assigned } = harness;
    const { epoch, kept } = await twoMembers();
    expect((await beat("a", epoch + 1)).error).toBe("FENCED_MEMBER_EPOCH");
    expect((await beat("a", epoch - 1)).error).toBe("FENCED_MEMBER_EPOCH");
    const again = await enter("a", ["t"]);
    expect(again).toMatchObject({ error: "NONE", epoch });
    expect(assigned(again)).toEqual({ t: kept });
    expect((await beat("nobody", epoch)).error).toBe("UNKNOWN_MEMBER_ID");
  });

  it("of before is taken where the answer was lost, from who holds nothing else", async () => {
    const { beat } = harness;
    const { epoch, kept, given } = await twoMembers();
    const whole = { topicNames: ["t"], rebalanceTimeoutMs: REVOKE_MS };
    const lost = await beat("a", epoch - 1, { ...whole, holds: { t: kept } });
    expect(lost).toMatchObject({ error: "NONE", epoch });
    expect(harness.assigned(lost)).toEqual({ t: kept });
    const wrong = await beat("a", epoch - 1, { ...whole, holds: { t: given } });
    expect(wrong.error).toBe("FENCED_MEMBER_EPOCH");
  });

  it("is what it commits and fetches offsets by", async () => {
    const { groups, beat } = harness;
    const { epoch } = await twoMembers();
    const commit = async (memberId: string, generation: number, version: number) => {
      const claim = { memberId, generation, version, instanceId: null };
      const one = { topic: "t", partition: 0, offset: 7, leaderEpoch: -1, metadata: null };
      return (await groups.commit("g", claim, [one]))[0];
    };
    expect(await commit("a", epoch, 9)).toBe("NONE");
    expect(await commit("a", epoch - 1, 9)).toBe("STALE_MEMBER_EPOCH");
    expect(await commit("a", epoch, 8)).toBe("UNSUPPORTED_VERSION");
    expect(await commit("x", epoch, 9)).toBe("UNKNOWN_MEMBER_ID");
    expect(await commit("", -1, 9)).toBe("UNKNOWN_MEMBER_ID");
    expect(groups.mayFetch("g", "a", epoch)).toBe("NONE");
    expect(groups.mayFetch("g", "a", epoch - 1)).toBe("STALE_MEMBER_EPOCH");
    expect(groups.mayFetch("g", "x", epoch)).toBe("UNKNOWN_MEMBER_ID");
    expect(groups.mayFetch("g", null, -1)).toBe("NONE");
    await beat("a", -1);
    await beat("b", -1);
    expect(await commit("", -1, 9)).toBe("NONE");
    const missing = { memberId: "a", generation: 1, instanceId: null };
    const one = { topic: "t", partition: 0, offset: 7, leaderEpoch: -1, metadata: null };
    const at = (version: number) => groups.commit("none", { ...missing, version }, [one]);
    expect(await at(9)).toEqual(["GROUP_ID_NOT_FOUND"]);
    expect(await at(8)).toEqual(["ILLEGAL_GENERATION"]);
  });
});

describe("a member that goes", () => {
  it("leaves its partitions to the others", async () => {
    const { beat, assigned, describeIt } = harness;
    const { epoch } = await twoMembers();
    expect(await beat("b", -1)).toMatchObject({ error: "NONE", memberId: "b", epoch: -1 });
    expect(describeIt().state).toBe("Assigning");
    const answer = await beat("a", epoch);
    expect(answer.epoch).toBe(epoch + 1);
    expect(assigned(answer)).toEqual({ t: [0, 1, 2, 3] });
    await beat("a", -1);
    expect(describeIt()).toMatchObject({ state: "Empty", members: [] });
  });

  it("without a word is taken out after its session", async () => {
    const { beat, timers, describeIt } = harness;
    const { epoch } = await twoMembers();
    await timers.advance(CONSUMER_SESSION_MS - 1);
    await beat("a", epoch);
    await timers.advance(1);
    expect(describeIt().members.map(({ memberId }) => memberId)).toEqual(["a"]);
    expect((await beat("b", epoch)).error).toBe("UNKNOWN_MEMBER_ID");
  });

  it("is taken out where it gives nothing back within its rebalance time-out", async () => {
    const { beat, enter, timers, describeIt } = harness;
    await enter("a", ["t"]);
    await enter("b", ["t"]);
    await beat("a", 1);
    await timers.advance(REVOKE_MS - 1);
    await beat("a", 1);
    await beat("b", 2);
    await timers.advance(1);
    expect(describeIt().members.map(({ memberId }) => memberId)).toEqual(["b"]);
    expect(harness.assigned(await beat("b", 2))).toEqual({ t: [0, 1, 2, 3] });
  });
});

describe("a static member", () => {
  it("that goes for a while finds its partitions again, under another id", async () => {
    const { beat, enter, assigned, describeIt } = harness;
    await enter("a", ["t"], { instanceId: "one" });
    const { epoch } = await enter("b", ["t"]);
    const kept = assigned(await beat("a", 1, { instanceId: "one" }))?.["t"] ?? [];
    await beat("a", 1, { instanceId: "one", holds: { t: kept } });
    await beat("b", epoch);
    expect(await beat("a", -2, { instanceId: "one" })).toMatchObject({ error: "NONE", epoch: -2 });
    expect(assigned(await beat("b", epoch))).toBeUndefined();
    expect(describeIt().state).toBe("Reconciling");
    const back = await enter("a2", ["t"], { instanceId: "one" });
    expect(back).toMatchObject({ error: "NONE", epoch });
    expect(assigned(back)).toEqual({ t: kept });
    const old = await beat("a", epoch, { instanceId: "one" });
    expect(old.error).toBe("FENCED_INSTANCE_ID");
    expect((await beat("a", epoch, { instanceId: "two" })).error).toBe("UNKNOWN_MEMBER_ID");
    expect(describeIt()).toMatchObject({ state: "Stable", epoch });
  });

  it("is not replaced while it is there", async () => {
    const { enter, beat, timers, assigned } = harness;
    await enter("a", ["t"], { instanceId: "one" });
    const second = await enter("b", ["t"], { instanceId: "one" });
    expect(second.error).toBe("UNRELEASED_INSTANCE_ID");
    await timers.advance(CONSUMER_SESSION_MS);
    expect(assigned(await enter("b", ["t"], { instanceId: "one" }))).toEqual({ t: [0, 1, 2, 3] });
    await beat("b", -1, { instanceId: "one" });
    expect(harness.describeIt().state).toBe("Empty");
  });

  it("that stays away longer than its session loses its place", async () => {
    const { enter, beat, timers, describeIt } = harness;
    await enter("a", ["t"], { instanceId: "one" });
    await beat("a", -2, { instanceId: "one" });
    await timers.advance(CONSUMER_SESSION_MS);
    expect(describeIt().state).toBe("Empty");
  });
});

describe("topics", () => {
  it("that are created, grown, deleted or made anew are shared anew at the next heartbeat", async () => {
    const { log, enter, beat, assigned } = harness;
    await enter("a", ["t", "u"]);
    await log.createTopic("other", { partitions: 1 });
    expect((await beat("a", 1)).epoch).toBe(1);
    await log.createTopic("u", { partitions: 1 });
    expect(assigned(await beat("a", 1))).toEqual({ t: [0, 1, 2, 3], u: [0] });
    await log.addPartitions("u", 3);
    expect(assigned(await beat("a", 2))).toEqual({ t: [0, 1, 2, 3], u: [0, 1, 2] });
    await log.deleteTopic("u");
    expect(assigned(await beat("a", 3, { holds: { t: [0, 1, 2, 3] } }))).toEqual({
      t: [0, 1, 2, 3],
    });
    await log.createTopic("u", { partitions: 2 });
    const answer = await beat("a", 4);
    expect(answer.epoch).toBe(5);
    expect(assigned(answer)).toEqual({ t: [0, 1, 2, 3], u: [0, 1] });
  });

  it("that a member reads no more are given back, and go to others who read them", async () => {
    const { log, enter, beat, assigned } = harness;
    await log.createTopic("u", { partitions: 2 });
    await enter("a", ["t", "u"]);
    const told = await beat("a", 1, { topicNames: ["t"] });
    expect(assigned(told)).toEqual({ t: [0, 1, 2, 3] });
    expect((await beat("a", 1, { holds: { t: [0, 1, 2, 3] } })).epoch).toBe(2);
    expect(assigned(await enter("b", ["u"]))).toEqual({ u: [0, 1] });
  });

  it("are found by a pattern, those that come later too, but for what the member may not see", async () => {
    const { log, enter, beat, assigned } = harness;
    const mayDescribe = (topic: string) => topic !== "t-secret";
    await log.createTopic("t-secret", { partitions: 1 });
    await log.createTopic("not-t-1", { partitions: 1 });
    const entered = await enter("a", null, { pattern: "t-.*", mayDescribe });
    expect(assigned(entered)).toEqual({});
    await log.createTopic("t-1", { partitions: 2 });
    expect(assigned(await beat("a", 1, { mayDescribe }))).toEqual({ "t-1": [0, 1] });
    const both = await beat("a", 2, { topicNames: ["t"], mayDescribe });
    expect(assigned(both)).toEqual({ t: [0, 1, 2, 3], "t-1": [0, 1] });
    const fewer = await beat("a", 3, { pattern: "", holds: { t: [0, 1, 2, 3] } });
    expect(assigned(fewer)).toEqual({ t: [0, 1, 2, 3] });
  });

  it("are not found by what is no regular expression, or too large a one", async () => {
    const patterns = ["[", "(a{1000}){1000}", "a{900}b{900}", "x".repeat(257), "(?=a)"];
    for (const pattern of patterns) {
      const { error, message } = await harness.enter("a", null, { pattern });
      expect(error, pattern).toBe("INVALID_REGULAR_EXPRESSION");
      expect(message).toContain("RE2");
    }
  });

  it("are found by a pattern that would hang JavaScript's own engine", async () => {
    const name = `${"a".repeat(60)}.b`;
    await harness.log.createTopic(name, { partitions: 1 });
    expect(harness.assigned(await harness.enter("a", null, { pattern: "(a+)+$" }))).toEqual({});
    const found = await harness.enter("a", null, { pattern: "(a+)+\\.b" });
    expect(harness.assigned(found)).toEqual({ [name]: [0] });
  });
});

describe("over a restart", () => {
  it("members go on in their epoch with what they have, and nothing is written for a heartbeat", async () => {
    const { epoch, kept, given } = await twoMembers();
    const before = harness.describeIt();
    expect(before).toMatchObject({ state: "Stable", epoch });
    harness = await harness.restart();
    const { beat, describeIt, log } = harness;
    expect(describeIt()).toEqual(before);
    const store = log.keyValues("kafka-consumer-groups");
    const written = [...store.entries()].map(([key, value]) => [key, `${value}`]);
    expect(await beat("a", epoch)).toMatchObject({ error: "NONE", epoch, assignment: null });
    expect(await beat("b", epoch)).toMatchObject({ error: "NONE", epoch, assignment: null });
    expect([...store.entries()].map(([key, value]) => [key, `${value}`])).toEqual(written);
    const held = describeIt().members.map(({ assigned }) => assigned[0]?.partitions);
    expect(held).toEqual([kept, given]);
  });

  it("members that do not come back are taken out, and a group that was left stays empty", async () => {
    const { epoch } = await twoMembers();
    harness = await harness.restart();
    await harness.timers.advance(CONSUMER_SESSION_MS - 1);
    await harness.beat("a", epoch);
    await harness.timers.advance(1);
    await harness.beat("a", -1);
    harness = await harness.restart();
    expect(harness.describeIt()).toMatchObject({ state: "Empty", epoch: epoch + 2 });
    expect((await harness.enter("c", ["t"])).epoch).toBe(epoch + 3);
  });

  it("a member that was giving back has its rebalance time-out again", async () => {
    await harness.enter("a", ["t"]);
    await harness.enter("b", ["t"]);
    await harness.beat("a", 1);
    harness = await harness.restart();
    await harness.timers.advance(REVOKE_MS);
    expect(harness.describeIt().members.map(({ memberId }) => memberId)).toEqual(["b"]);
  });
});
