import { describe, expect, it } from "vitest";
import {
  DELAY_MS,
  isSettled,
  protocols,
  REBALANCE_MS,
  SESSION_MS,
  startHarness,
} from "./group-harness.ts";

describe("the first generation", () => {
  it("gathers members for the initial delay, and answers all of them together", async () => {
    const { join, timers } = await startHarness();
    const first = join();
    await timers.advance(DELAY_MS - 1);
    const second = join();
    expect(await isSettled(first)).toBe(false);
    await timers.advance(DELAY_MS * 2);
    const [one, two] = await Promise.all([first, second]);
    expect(one).toMatchObject({ error: "NONE", generation: 1, protocolName: "range" });
    expect(two.generation).toBe(1);
    expect(one.leaderId).toBe(one.memberId);
    expect(two.leaderId).toBe(one.memberId);
  });

  it("gathers for as long again while more members come, at most for the rebalance time-out", async () => {
    const { join, timers } = await startHarness();
    const first = join({ rebalanceTimeoutMs: DELAY_MS * 2.5 });
    for (let round = 0; round < 2; round += 1) {
      await timers.advance(DELAY_MS - 1);
      void join({ rebalanceTimeoutMs: DELAY_MS * 2.5 });
      await timers.advance(1);
      expect(await isSettled(first)).toBe(false);
    }
    await timers.advance(DELAY_MS / 2);
    expect((await first).members).toHaveLength(3);
  });

  it("lists all members, with what they say, for the leader alone", async () => {
    const { join, timers } = await startHarness();
    const [first, second] = [join(), join()];
    await timers.advance(DELAY_MS * 2);
    const leader = await first;
    expect(leader.members.map(({ metadata }) => metadata.toString())).toEqual([
      "range of one",
      "range of one",
    ]);
    expect((await second).members).toEqual([]);
  });

  it("is answered only when its number is on disk", async () => {
    const { join, log } = await startHarness({ initialRebalanceDelayMs: 0 });
    const written = join().then(() => log.state.get("group/g"));
    expect(await written).toBeDefined();
    expect(Buffer.from((await written) ?? []).readInt32BE(1)).toBe(1);
  });

  it("begins at once where no delay is configured", async () => {
    const { join } = await startHarness({ initialRebalanceDelayMs: 0 });
    expect(await join()).toMatchObject({ error: "NONE", generation: 1 });
  });
});

describe("the join barrier", () => {
  it("opens as soon as every member has joined again", async () => {
    const { join, timers, stableGroup } = await startHarness();
    const { ids } = await stableGroup(2);
    const begunMs = timers.clock.monotonicMs();
    const joins = [join(), join({ memberId: ids[0] ?? "" })];
    expect(await isSettled(Promise.race(joins))).toBe(false);
    joins.push(join({ memberId: ids[1] ?? "" }));
    const answers = await Promise.all(joins);
    expect(answers.map(({ generation }) => generation)).toEqual([2, 2, 2]);
    expect(timers.clock.monotonicMs()).toBe(begunMs);
  });

  it("opens after the longest rebalance time-out, without those who have not come", async () => {
    const { join, heartbeat, timers, stableGroup } = await startHarness();
    const { ids, generation } = await stableGroup(2);
    const [leader = "", late = ""] = ids;
    const again = join({ memberId: leader });
    for (let waitedMs = 0; waitedMs < REBALANCE_MS - SESSION_MS; waitedMs += SESSION_MS / 2) {
      await timers.advance(SESSION_MS / 2);
      expect(heartbeat(late, generation)).toBe("REBALANCE_IN_PROGRESS");
    }
    expect(await isSettled(again)).toBe(false);
    await timers.advance(SESSION_MS - 1);
    expect(heartbeat(late, generation)).toBe("REBALANCE_IN_PROGRESS");
    await timers.advance(SESSION_MS);
    expect((await again).members).toHaveLength(1);
    expect(heartbeat(late, generation)).toBe("UNKNOWN_MEMBER_ID");
  });

  it("opens when the last member that was missing has been silent for its session", async () => {
    const { join, timers, stableGroup } = await startHarness();
    const { leader } = await stableGroup(2);
    const again = join({ memberId: leader });
    await timers.advance(SESSION_MS);
    expect(await again).toMatchObject({ error: "NONE", generation: 2 });
  });

  it("waits for those who were given an id and have not used it yet", async () => {
    const { join, stableGroup } = await startHarness();
    const { leader } = await stableGroup(1);
    const { memberId } = await join({ requiresKnownId: true });
    const again = join({ memberId: leader });
    expect(await isSettled(again)).toBe(false);
    const second = join({ memberId });
    expect((await again).members).toHaveLength(2);
    expect((await second).error).toBe("NONE");
  });

  it("forgets an id that was not used within the session time-out", async () => {
    const { join, timers } = await startHarness();
    const { memberId } = await join({ requiresKnownId: true });
    await timers.advance(SESSION_MS);
    expect((await join({ memberId })).error).toBe("UNKNOWN_MEMBER_ID");
  });

  it("lets go of a newcomer whose connection is gone, and does not wait for it", async () => {
    const { join, stableGroup } = await startHarness();
    const { leader } = await stableGroup(1);
    const connection = new AbortController();
    const newcomer = join({}, connection.signal);
    connection.abort();
    expect((await newcomer).error).not.toBe("NONE");
    expect((await join({ memberId: leader })).members).toHaveLength(1);
  });

  it("gives a known member whose connection is gone its session to come back", async () => {
    const { join, timers, stableGroup } = await startHarness();
    const { ids, leader } = await stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    const connection = new AbortController();
    const lost = join(
      { memberId: follower, protocols: protocols("range", "x") },
      connection.signal,
    );
    connection.abort();
    await lost;
    const leading = join({ memberId: leader });
    await timers.advance(SESSION_MS - 1);
    expect(await isSettled(leading)).toBe(false);
    const back = join({ memberId: follower });
    expect((await leading).members).toHaveLength(2);
    expect((await back).error).toBe("NONE");
  });
});

describe("assignments", () => {
  it("reach the followers when the leader brings them, and those who ask again", async () => {
    const { join, sync, timers } = await startHarness();
    const joins = [join(), join()];
    await timers.advance(DELAY_MS * 2);
    const [leader, follower] = (await Promise.all(joins)).map(({ memberId }) => memberId);
    const waiting = sync(follower ?? "", 1);
    expect(await isSettled(waiting)).toBe(false);
    const led = await sync(leader ?? "", 1, { [leader ?? ""]: "a", [follower ?? ""]: "b" });
    expect(led.assignment.toString()).toBe("a");
    expect((await waiting).assignment.toString()).toBe("b");
    expect((await sync(follower ?? "", 1)).assignment.toString()).toBe("b");
  });

  it("are empty for a member that the leader left out", async () => {
    const { sync, stableGroup, join, timers } = await startHarness();
    const { ids } = await stableGroup(2);
    const again = ids.map((memberId) => join({ memberId }));
    await timers.advance(0);
    await Promise.all(again);
    const waiting = sync(ids[1] ?? "", 2);
    await sync(ids[0] ?? "", 2, { [ids[0] ?? ""]: "all" });
    expect((await waiting).assignment).toHaveLength(0);
  });

  it("are not waited for any longer when the group rebalances", async () => {
    const { join, sync, timers } = await startHarness();
    const joins = [join(), join()];
    await timers.advance(DELAY_MS * 2);
    const [, follower] = await Promise.all(joins);
    const waiting = sync(follower?.memberId ?? "", 1);
    void join();
    expect((await waiting).error).toBe("REBALANCE_IN_PROGRESS");
  });

  it("must be asked for within the rebalance time-out: a leader that never assigns is out", async () => {
    const { join, sync, heartbeat, timers } = await startHarness();
    const joins = [join(), join()];
    await timers.advance(DELAY_MS * 2);
    const [leader, follower] = (await Promise.all(joins)).map(({ memberId }) => memberId);
    const waiting = sync(follower ?? "", 1);
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += SESSION_MS / 2) {
      heartbeat(leader ?? "", 1);
      await timers.advance(SESSION_MS / 2);
    }
    expect((await waiting).error).toBe("REBALANCE_IN_PROGRESS");
    expect(heartbeat(leader ?? "", 1)).toBe("UNKNOWN_MEMBER_ID");
    expect(await join({ memberId: follower ?? "" })).toMatchObject({
      generation: 2,
      leaderId: follower,
    });
  });
});

describe("a stable group", () => {
  it("tells a follower that joins again unchanged of the same generation", async () => {
    const { join, stableGroup, heartbeat } = await startHarness();
    const { ids, leader } = await stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    expect(await join({ memberId: follower })).toMatchObject({ error: "NONE", generation: 1 });
    expect(heartbeat(leader, 1)).toBe("NONE");
  });

  it("rebalances when its leader joins again", async () => {
    const { join, heartbeat, stableGroup } = await startHarness();
    const { ids, leader } = await stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    void join({ memberId: leader });
    expect(heartbeat(follower, 1)).toBe("REBALANCE_IN_PROGRESS");
  });

  it("rebalances when a follower joins with something new to say", async () => {
    const { join, heartbeat, stableGroup } = await startHarness();
    const { ids, leader } = await stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    void join({
      memberId: follower,
      protocols: [{ name: "range", metadata: Buffer.from("other topics") }],
    });
    expect(heartbeat(leader, 1)).toBe("REBALANCE_IN_PROGRESS");
  });

  it("rebalances when a member is silent, and gives its leadership to another", async () => {
    const { join, heartbeat, timers, stableGroup } = await startHarness();
    const { ids, leader } = await stableGroup(2);
    const follower = ids.find((id) => id !== leader) ?? "";
    await timers.advance(SESSION_MS - 1);
    expect(heartbeat(follower, 1)).toBe("NONE");
    await timers.advance(1);
    expect(heartbeat(follower, 1)).toBe("REBALANCE_IN_PROGRESS");
    expect(heartbeat(leader, 1)).toBe("UNKNOWN_MEMBER_ID");
    expect((await join({ memberId: follower })).leaderId).toBe(follower);
  });

  it("is empty when its last member leaves, and counts on from its generation", async () => {
    const { groups, join, timers, stableGroup } = await startHarness();
    const { ids } = await stableGroup(1);
    expect(groups.leave("g", [{ memberId: ids[0] ?? "", instanceId: null }])).toEqual(["NONE"]);
    expect(groups.describe("g")).toMatchObject({ state: "Empty", protocolType: "consumer" });
    const next = join();
    await timers.advance(DELAY_MS);
    expect((await next).generation).toBe(3);
  });

  it("refuses a member that knows no protocol of the others", async () => {
    const { join, stableGroup } = await startHarness();
    await stableGroup(1);
    expect((await join({ protocols: protocols("sticky") })).error).toBe(
      "INCONSISTENT_GROUP_PROTOCOL",
    );
    expect((await join({ protocolType: "connect" })).error).toBe("INCONSISTENT_GROUP_PROTOCOL");
  });

  it("lets its only member change to another protocol", async () => {
    const { join, stableGroup } = await startHarness();
    const { ids } = await stableGroup(1);
    const changed = await join({ memberId: ids[0] ?? "", protocols: protocols("sticky") });
    expect(changed).toMatchObject({ error: "NONE", protocolName: "sticky", generation: 2 });
  });
});

describe("who is let in", () => {
  it("from version 4 a newcomer is given an id, and joins with it", async () => {
    const { join, timers } = await startHarness();
    const refused = await join({ requiresKnownId: true });
    expect(refused.error).toBe("MEMBER_ID_REQUIRED");
    expect(refused.memberId).toMatch(/^client-\d+$/);
    const joined = join({ requiresKnownId: true, memberId: refused.memberId });
    await timers.advance(DELAY_MS);
    expect(await joined).toMatchObject({ error: "NONE", memberId: refused.memberId });
  });

  it("an id that was never given is unknown, also to a group that does not exist", async () => {
    const { groups, join, heartbeat, sync, stableGroup } = await startHarness();
    expect((await join({ memberId: "stranger" })).error).toBe("UNKNOWN_MEMBER_ID");
    expect(heartbeat("stranger", 1)).toBe("UNKNOWN_MEMBER_ID");
    expect(groups.list()).toEqual([]);
    await stableGroup(1);
    expect((await join({ memberId: "stranger" })).error).toBe("UNKNOWN_MEMBER_ID");
    expect((await sync("stranger", 1)).error).toBe("UNKNOWN_MEMBER_ID");
    expect(groups.leave("g", [{ memberId: "stranger", instanceId: null }])).toEqual([
      "UNKNOWN_MEMBER_ID",
    ]);
  });

  it("another generation than the current one is refused", async () => {
    const { heartbeat, sync, commit, log, stableGroup } = await startHarness();
    await log.createTopic("t", { partitions: 1 });
    const { leader: memberId } = await stableGroup(1);
    expect(heartbeat(memberId, 7)).toBe("ILLEGAL_GENERATION");
    expect((await sync(memberId, 0)).error).toBe("ILLEGAL_GENERATION");
    expect(await commit(1, { memberId, generation: 0 })).toEqual(["ILLEGAL_GENERATION"]);
  });

  it("a full group, a full gateway and a wrong session time-out are refused", async () => {
    const { groups, join, stableGroup } = await startHarness({ membersMax: 2, groupsMax: 1 });
    await stableGroup(2);
    expect((await join()).error).toBe("GROUP_MAX_SIZE_REACHED");
    expect((await join({ requiresKnownId: true })).error).toBe("GROUP_MAX_SIZE_REACHED");
    expect((await join({ groupId: "other" })).error).toBe("POLICY_VIOLATION");
    expect((await join({ sessionTimeoutMs: 1 })).error).toBe("INVALID_SESSION_TIMEOUT");
    expect((await join({ groupId: "" })).error).toBe("INVALID_GROUP_ID");
    expect(groups.list()).toHaveLength(1);
  });

  it("metadata and assignments over their limit are refused", async () => {
    const { join, sync, timers } = await startHarness({
      protocolBytesMax: 100,
      assignmentBytesMax: 100,
    });
    const large = [{ name: "range", metadata: Buffer.alloc(101) }];
    expect((await join({ protocols: large })).error).toBe("POLICY_VIOLATION");
    const joined = join();
    await timers.advance(DELAY_MS);
    const { memberId } = await joined;
    const answer = await sync(memberId, 1, { [memberId]: "x".repeat(101) });
    expect(answer.error).toBe("POLICY_VIOLATION");
  });

  it("an idle group without offsets gives its place to a new one", async () => {
    const { groups, join, timers, stableGroup } = await startHarness({ groupsMax: 1 });
    const { ids } = await stableGroup(1);
    groups.leave("g", [{ memberId: ids[0] ?? "", instanceId: null }]);
    const other = join({ groupId: "other" });
    await timers.advance(DELAY_MS);
    expect((await other).error).toBe("NONE");
    expect(groups.list().map(({ groupId }) => groupId)).toEqual(["other"]);
  });
});

describe("a coordinator that closes", () => {
  it("answers all that wait, and leaves no timer behind", async () => {
    const { groups, join, sync, timers } = await startHarness();
    const joins = [join(), join()];
    await timers.advance(DELAY_MS * 2);
    const [, follower] = await Promise.all(joins);
    const syncing = sync(follower?.memberId ?? "", 1);
    const joining = join({ groupId: "other" });
    await timers.advance(0);
    groups.close();
    expect((await syncing).error).toBe("COORDINATOR_NOT_AVAILABLE");
    expect((await joining).error).toBe("COORDINATOR_NOT_AVAILABLE");
    expect((await join()).error).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(timers.count).toBe(0);
  });
});
