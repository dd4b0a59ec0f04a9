import { describe, expect, it } from "vitest";
import { DELAY_MS, type Harness, protocols, SESSION_MS, startHarness } from "./group-harness.ts";

/** A stable group of static members `a` and `b`; answers their ids. The first one leads. */
async function staticPair({ join, sync: _, groups, timers }: Harness) {
  const joins = [join({ instanceId: "a" }), join({ instanceId: "b" })];
  await timers.advance(DELAY_MS * 2);
  const [a, b] = await Promise.all(joins);
  const ids = { a: a?.memberId ?? "", b: b?.memberId ?? "" };
  const request = { groupId: "g", generation: 1, protocolType: null, protocolName: null };
  const signal = new AbortController().signal;
  const assignments = [
    { memberId: ids.a, assignment: Buffer.from("part a") },
    { memberId: ids.b, assignment: Buffer.from("part b") },
  ];
  await groups.sync({ ...request, memberId: ids.a, instanceId: "a", assignments }, signal);
  await groups.sync({ ...request, memberId: ids.b, instanceId: "b", assignments: [] }, signal);
  return ids;
}

describe("a static member (KIP-345)", () => {
  it("joins with its first request, without being given an id first", async () => {
    const { join, timers } = await startHarness();
    const joined = join({ instanceId: "a", requiresKnownId: true });
    await timers.advance(DELAY_MS);
    expect(await joined).toMatchObject({
      error: "NONE",
      memberId: expect.stringMatching(/^a-\d+$/),
    });
  });

  it("comes back to a stable group without a rebalance, and to its part", async () => {
    const harness = await startHarness();
    const { groups, join, heartbeat } = harness;
    const { a, b } = await staticPair(harness);
    const back = await join({ instanceId: "b" });
    expect(back).toMatchObject({ error: "NONE", generation: 1, leaderId: a });
    expect(back.memberId).not.toBe(b);
    expect(heartbeat(a, 1, "a")).toBe("NONE");
    const described = groups.describe("g").members.find(({ instanceId }) => instanceId === "b");
    expect(described?.assignment.toString()).toBe("part b");
  });

  it("that came back fences off the id it had", async () => {
    const harness = await startHarness();
    const { join, heartbeat, commit, groups } = harness;
    const { b } = await staticPair(harness);
    await join({ instanceId: "b" });
    expect(heartbeat(b, 1, "b")).toBe("FENCED_INSTANCE_ID");
    expect((await join({ instanceId: "b", memberId: b })).error).toBe("FENCED_INSTANCE_ID");
    expect(groups.leave("g", [{ memberId: b, instanceId: "b" }])).toEqual(["FENCED_INSTANCE_ID"]);
    expect(await commit(1, { memberId: b, instanceId: "b", generation: 1 })).toEqual([
      "FENCED_INSTANCE_ID",
    ]);
  });

  it("that led and comes back is told to skip the assignment, or follows where it is too old", async () => {
    const harness = await startHarness();
    const { join, heartbeat } = harness;
    const { a, b } = await staticPair(harness);
    const older = await join({ instanceId: "a" });
    expect(older).toMatchObject({ generation: 1, leaderId: a, members: [], skipAssignment: false });
    const newer = await join({ instanceId: "a", knowsSkipAssignment: true });
    expect(newer.skipAssignment).toBe(true);
    expect(newer.leaderId).toBe(newer.memberId);
    expect(newer.members).toHaveLength(2);
    expect(heartbeat(b, 1, "b")).toBe("NONE");
  });

  it("that comes back with another protocol causes a rebalance", async () => {
    const harness = await startHarness();
    const { join, heartbeat, timers } = harness;
    const joins = [join({ instanceId: "a", protocols: protocols("range", "sticky") })];
    await timers.advance(DELAY_MS);
    const [a] = await Promise.all(joins);
    const id = a?.memberId ?? "";
    const signal = new AbortController().signal;
    await harness.groups.sync(
      {
        groupId: "g",
        generation: 1,
        memberId: id,
        instanceId: "a",
        protocolType: null,
        protocolName: null,
        assignments: [],
      },
      signal,
    );
    const back = await join({ instanceId: "a", protocols: protocols("sticky") });
    expect(back).toMatchObject({ error: "NONE", generation: 2, protocolName: "sticky" });
    expect(heartbeat(id, 1, "a")).toBe("FENCED_INSTANCE_ID");
  });

  it("keeps its place through a rebalance it misses, until its session ends", async () => {
    const harness = await startHarness();
    const { groups, join, heartbeat, timers } = harness;
    const { a } = await staticPair(harness);
    const again = join({ instanceId: "a", memberId: a, rebalanceTimeoutMs: 2_000 });
    void join({ instanceId: "b", rebalanceTimeoutMs: 2_000 });
    expect((await again).members).toHaveLength(2);
    expect(groups.describe("g").members).toHaveLength(2);
    await timers.advance(SESSION_MS);
    expect(heartbeat(a, 2, "a")).toBe("UNKNOWN_MEMBER_ID");
  });

  it("is taken out by its name alone, as operators do", async () => {
    const harness = await startHarness();
    const { groups, heartbeat } = harness;
    const { a } = await staticPair(harness);
    expect(groups.leave("g", [{ memberId: "", instanceId: "b" }])).toEqual(["NONE"]);
    expect(groups.leave("g", [{ memberId: "", instanceId: "b" }])).toEqual(["UNKNOWN_MEMBER_ID"]);
    expect(heartbeat(a, 1, "a")).toBe("REBALANCE_IN_PROGRESS");
  });

  it("cannot use an id that was handed out to a dynamic one", async () => {
    const harness = await startHarness();
    await staticPair(harness);
    const { memberId } = await harness.join({ requiresKnownId: true });
    const claimed = await harness.join({ memberId, instanceId: "b" });
    expect(claimed.error).toBe("FENCED_INSTANCE_ID");
  });
});
