/** Classic groups over a restart of the gateway: what their members find when they go on. */
import { beforeEach, describe, expect, it } from "vitest";
import { MAP_NAME } from "../../../../src/kafka/groups/kept-generation.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { HeldKeyValues } from "../../../support/held-key-values.ts";
import {
  DELAY_MS,
  type Harness,
  isSettled,
  protocols,
  SESSION_MS,
  startHarness,
} from "./group-harness.ts";

/** Memory whose map of generations is held in the test's hand. */
class WatchedStorage extends MemoryStorage {
  readonly generations = new HeldKeyValues(super.keyValues(MAP_NAME));

  override keyValues(name: string) {
    return name === MAP_NAME ? this.generations : super.keyValues(name);
  }
}

let storage: WatchedStorage;
let harness: Harness;

beforeEach(async () => {
  storage = new WatchedStorage();
  harness = await startHarness({}, storage);
  await harness.log.createTopic("t", { partitions: 1 });
});

async function restart(): Promise<Harness> {
  const { groups, log, timers } = harness;
  groups.close();
  await log.close();
  harness = await startHarness({}, storage, timers);
  return harness;
}

/** A stable group of one static member, and its id. */
async function staticGroup(): Promise<string> {
  const joined = harness.join({ instanceId: "a" });
  await harness.timers.advance(DELAY_MS);
  const { memberId } = await joined;
  const assignments = [{ memberId, assignment: Buffer.from("part a") }];
  const answer = await syncStatic(memberId, assignments);
  expect(answer.assignment.toString()).toBe("part a");
  return memberId;
}

async function enterByNewerProtocol(groupId: string): Promise<void> {
  const nothing = { instanceId: null, rackId: null, pattern: null, serverAssignor: null };
  const answer = await harness.groups.consumerHeartbeat(
    {
      ...{ groupId, memberId: "a", epoch: 0, topicNames: ["t"], rebalanceTimeoutMs: 1_000 },
      ...nothing,
      owned: [],
    },
    {
      ...{ clientId: "c", clientHost: "h", mayLackId: false, mayDescribe: () => true },
      signal: new AbortController().signal,
    },
  );
  expect(answer.error).toBe("NONE");
}

type Assignments = { memberId: string; assignment: Buffer }[];

function syncStatic(memberId: string, assignments: Assignments = []) {
  const protocol = { protocolType: null, protocolName: null };
  return harness.groups.sync(
    { groupId: "g", generation: 1, memberId, instanceId: "a", ...protocol, assignments },
    new AbortController().signal,
  );
}

describe("after a restart", () => {
  it("members go on in their generation: they heartbeat, commit, and are told their parts", async () => {
    const { ids, leader, generation } = await harness.stableGroup(3);
    const before = harness.groups.describe("g");
    const { heartbeat, commit, sync, groups } = await restart();
    expect(groups.describe("g")).toEqual(before);
    for (const memberId of ids) {
      expect(heartbeat(memberId, generation)).toBe("NONE");
      expect(await commit(7, { memberId, generation })).toEqual(["NONE"]);
      const answer = await sync(memberId, generation);
      expect(answer).toMatchObject({ error: "NONE", protocolName: "range" });
      expect(answer.assignment.toString()).toBe(`part of ${memberId}`);
    }
    expect(heartbeat(leader, generation + 1)).toBe("ILLEGAL_GENERATION");
    expect(heartbeat("stranger", generation)).toBe("UNKNOWN_MEMBER_ID");
  });

  it("what members say and have counts for the memory of all groups as before", async () => {
    const { ids } = await harness.stableGroup(2);
    const figures = () => harness.groups.metrics().filter(({ name }) => name.includes("_member"));
    const before = figures();
    await restart();
    expect(figures()).toEqual(before);
    for (const memberId of ids) harness.groups.leave("g", [{ memberId, instanceId: null }]);
    expect(figures().map(({ value }) => value)).toEqual([0, 0]);
  });

  it("sessions begin anew, and who does not come back in that time is out", async () => {
    const { ids, generation } = await harness.stableGroup(2);
    const [one = "", other = ""] = ids;
    await harness.timers.advance(SESSION_MS - 1);
    await restart();
    const { heartbeat, timers } = harness;
    await timers.advance(SESSION_MS - 1);
    expect(heartbeat(one, generation)).toBe("NONE");
    await timers.advance(1);
    expect(heartbeat(one, generation)).toBe("REBALANCE_IN_PROGRESS");
    expect(heartbeat(other, generation)).toBe("UNKNOWN_MEMBER_ID");
  });

  it("an unchanged follower that joins again stays in the generation; the leader begins the next", async () => {
    const { ids, leader, generation } = await harness.stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    const { join } = await restart();
    expect(await join({ memberId: follower })).toMatchObject({ generation, leaderId: leader });
    const joins = [join({ memberId: leader }), join({ memberId: follower })];
    for (const answer of await Promise.all(joins)) {
      expect(answer).toMatchObject({ generation: generation + 1, leaderId: leader });
    }
  });

  it("a static member that restarted meanwhile finds its part, and fences off the one before", async () => {
    const former = await staticGroup();
    await restart();
    const back = await harness.join({ instanceId: "a" });
    expect(back).toMatchObject({ error: "NONE", generation: 1 });
    expect(harness.heartbeat(former, 1, "a")).toBe("FENCED_INSTANCE_ID");
    await restart();
    expect(harness.heartbeat(former, 1, "a")).toBe("FENCED_INSTANCE_ID");
    expect((await syncStatic(back.memberId)).assignment.toString()).toBe("part a");
  });

  it("nothing was written but at the end of a rebalance and when somebody came or went", async () => {
    const { ids, generation } = await harness.stableGroup(2);
    const { generations } = storage;
    expect(generations.writes).toBe(1);
    const { heartbeat, commit, sync } = await restart();
    for (const memberId of ids) {
      heartbeat(memberId, generation);
      await commit(7, { memberId, generation });
      await sync(memberId, generation);
    }
    expect(generations.writes).toBe(1);
  });

  it("in a rebalance that a newcomer began, the former generation goes on", async () => {
    const { ids, generation } = await harness.stableGroup(2);
    void harness.join();
    expect(harness.heartbeat(ids[0] ?? "", generation)).toBe("REBALANCE_IN_PROGRESS");
    const { heartbeat, groups } = await restart();
    expect(heartbeat(ids[0] ?? "", generation)).toBe("NONE");
    expect(groups.describe("g").members).toHaveLength(2);
  });

  it("in a rebalance that a leaving member began, it is gone, and the others are sent to join", async () => {
    const { ids, leader, generation } = await harness.stableGroup(3);
    const follower = ids.find((id) => id !== leader) ?? "";
    void harness.join({ instanceId: "not told of its id yet" });
    harness.groups.leave("g", [{ memberId: follower, instanceId: null }]);
    await harness.groups.settled("g");
    const { heartbeat, join, groups } = await restart();
    expect(groups.describe("g").members).toHaveLength(2);
    expect(heartbeat(follower, generation)).toBe("UNKNOWN_MEMBER_ID");
    const others = ids.filter((id) => id !== follower);
    for (const id of others) expect(heartbeat(id, generation)).toBe("REBALANCE_IN_PROGRESS");
    const answers = await Promise.all(others.map((memberId) => join({ memberId })));
    expect(answers.map((answer) => answer.generation)).toEqual([generation + 1, generation + 1]);
  });

  it("in a generation whose leader has not assigned, all join again, in a later one", async () => {
    const { leader, generation } = await harness.stableGroup(1);
    expect((await harness.join({ memberId: leader })).generation).toBe(generation + 1);
    const { heartbeat, join, timers, groups } = await restart();
    expect(groups.describe("g")).toMatchObject({ state: "Empty", members: [] });
    expect(heartbeat(leader, generation + 1)).toBe("UNKNOWN_MEMBER_ID");
    const next = join();
    await timers.advance(DELAY_MS);
    expect((await next).generation).toBe(generation + 2);
  });

  it("a group whose last member left is empty, and nothing of it is kept", async () => {
    const { leader, generation } = await harness.stableGroup(1);
    harness.groups.leave("g", [{ memberId: leader, instanceId: null }]);
    await harness.groups.settled("g");
    expect([...storage.generations.entries()]).toEqual([]);
    const { heartbeat, groups } = await restart();
    expect(groups.describe("g").state).toBe("Empty");
    expect(heartbeat(leader, generation)).toBe("UNKNOWN_MEMBER_ID");
  });

  it("a group that was deleted, or became one of the other kind, is not there as it was", async () => {
    const { leader } = await harness.stableGroup(1);
    const { generations } = storage;
    const before = generations.get("group/g");
    harness.groups.leave("g", [{ memberId: leader, instanceId: null }]);
    await harness.groups.settled("g");
    // As if it could not be removed when the last member left.
    await generations.write([["group/g", before]]);
    expect(await harness.groups.delete(["g"])).toEqual(["NONE"]);
    expect((await restart()).groups.list()).toEqual([]);

    await harness.commit(7);
    await generations.write([["group/g", before]]);
    await enterByNewerProtocol("g");
    expect((await restart()).groups.list()).toMatchObject([{ kind: "consumer" }]);
    expect([...generations.entries()]).toEqual([]);
  });

  it("a generation that cannot be read is none, and the next one has a higher number", async () => {
    const { leader, generation } = await harness.stableGroup(1);
    await storage.generations.write([["group/g", Buffer.from("not one")]]);
    const { heartbeat, join, timers } = await restart();
    expect(heartbeat(leader, generation)).toBe("UNKNOWN_MEMBER_ID");
    const next = join();
    await timers.advance(DELAY_MS);
    expect((await next).generation).toBe(generation + 1);
  });

  it("that took the newest segment along, the number does not go back, and members go on", async () => {
    const { leader, generation } = await harness.stableGroup(1);
    expect((await harness.join({ memberId: leader })).generation).toBe(generation + 1);
    await harness.sync(leader, generation + 1, { [leader]: "all" });
    const append = harness.log.group();
    append.putState("group/g", undefined);
    await append.flushed;
    const { heartbeat, join } = await restart();
    expect(heartbeat(leader, generation + 1)).toBe("NONE");
    expect((await join({ memberId: leader })).generation).toBe(generation + 2);
  });
});

describe("an assignment", () => {
  it("is answered when it is on the disk, to who waited and to who asks then", async () => {
    const { generations } = storage;
    const joins = [harness.join(), harness.join()];
    await harness.timers.advance(DELAY_MS * 2);
    const [leader = "", follower = ""] = (await Promise.all(joins)).map(({ memberId }) => memberId);
    generations.hold();
    const led = harness.sync(leader, 1, { [leader]: "a", [follower]: "b" });
    const followed = harness.sync(follower, 1);
    const again = harness.sync(leader, 1);
    expect(await isSettled(Promise.race([led, followed, again]))).toBe(false);
    generations.release();
    const answers = await Promise.all([led, followed, again]);
    expect(answers.map(({ assignment }) => assignment.toString())).toEqual(["a", "b", "a"]);
  });

  it("that cannot be kept is answered all the same, and the group is empty after a restart", async () => {
    storage.generations.failures = 1;
    const { leader, generation } = await harness.stableGroup(1);
    expect(harness.heartbeat(leader, generation)).toBe("NONE");
    const { heartbeat, groups } = await restart();
    expect(groups.describe("g").state).toBe("Empty");
    expect(heartbeat(leader, generation)).toBe("UNKNOWN_MEMBER_ID");
  });

  it("that is too large to be kept is answered, counted, and not there after a restart", async () => {
    const huge = [{ name: "range", metadata: Buffer.alloc(200 * 1024) }];
    const { ids, generation } = await harness.stableGroup(6, { protocols: huge });
    expect(harness.heartbeat(ids[5] ?? "", generation)).toBe("NONE");
    const notKept = harness.groups.metrics().find(({ name }) => name.endsWith("_not_kept_total"));
    expect(notKept?.value).toBe(1);
    expect((await restart()).groups.describe("g").state).toBe("Empty");
  });
});

describe("a static member that comes back", () => {
  it("is told its new id when that is on the disk, and not where it cannot be written", async () => {
    const former = await staticGroup();
    const { generations } = storage;
    generations.hold();
    const back = harness.join({ instanceId: "a", protocols: protocols("range") });
    expect(await isSettled(back)).toBe(false);
    generations.release();
    const { memberId } = await back;
    generations.failures = 1;
    expect((await harness.join({ instanceId: "a" })).error).toBe("COORDINATOR_NOT_AVAILABLE");
    // As the disk has it, the one before is still itself.
    await restart();
    expect(harness.heartbeat(memberId, 1, "a")).toBe("NONE");
    expect(harness.heartbeat(former, 1, "a")).toBe("FENCED_INSTANCE_ID");
  });
});
