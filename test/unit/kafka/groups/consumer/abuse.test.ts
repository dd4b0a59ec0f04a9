/** Members of consumer groups that want to crash the gateway, or fill its memory. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  CONSUMER_SESSION_MS,
  type ConsumerHarness,
  startConsumerHarness,
} from "./consumer-harness.ts";

let harness: ConsumerHarness;

beforeEach(async () => {
  harness = await startConsumerHarness();
  await harness.log.createTopic("t", { partitions: 4 });
});

function counted(name: string): number | undefined {
  return harness.groups.metrics().find((sample) => sample.name === name)?.value;
}

describe("a static member that comes back", () => {
  it("does not get the id of another member, who keeps its partitions", async () => {
    const { enter, beat, assigned, timers } = harness;
    await enter("a", ["t"], { instanceId: "one" });
    const victim = await enter("x", ["t"]);
    const kept = assigned(await beat("a", 1, { instanceId: "one" }))?.["t"] ?? [];
    await beat("a", 1, { instanceId: "one", holds: { t: kept } });
    const before = assigned(await beat("x", victim.epoch));
    await beat("a", -2, { instanceId: "one" });
    const thief = await enter("x", ["t"], { instanceId: "one" });
    expect(thief.error).toBe("UNKNOWN_MEMBER_ID");
    expect(harness.describeIt().members.map(({ memberId }) => memberId)).toEqual(["a", "x"]);
    const whole = { topicNames: ["t"], rebalanceTimeoutMs: 30_000, holds: before ?? {} };
    expect(assigned(await beat("x", victim.epoch, whole))).toEqual(before);
    await timers.advance(CONSUMER_SESSION_MS);
    expect(counted("tributary_kafka_group_members")).toBe(0);
    expect(counted("tributary_kafka_group_member_bytes")).toBe(0);
  });
});

describe("a group whose partitions take long to share", () => {
  it("rests in between, and has what has changed meanwhile shared later", async () => {
    const { enter, beat, assigned, describeIt, log, clock } = harness;
    const look = log.topic.bind(log);
    let looks = 0;
    vi.spyOn(log, "topic").mockImplementation((name) => {
      looks += 1;
      clock.advance(200);
      return look(name);
    });
    await enter("a", ["t"]);
    const cost = looks;
    expect(cost).toBeGreaterThan(0);
    const second = await enter("b", ["t"]);
    expect([second.error, second.epoch, assigned(second)]).toEqual(["NONE", 1, {}]);
    for (let nth = 0; nth < 10; nth += 1) {
      const { error } = await beat("a", 1, { topicNames: nth % 2 === 0 ? ["t", "u"] : ["t"] });
      expect(error).toBe("NONE");
    }
    expect(looks).toBe(cost);
    expect(describeIt()).toMatchObject({ state: "Assigning", epoch: 12, assignmentEpoch: 1 });
    clock.advance(10 * 200 * cost);
    const kept = assigned(await beat("a", 1, { holds: { t: [0, 1, 2, 3] } }))?.["t"] ?? [];
    expect(kept).toHaveLength(2);
    await beat("a", 1, { holds: { t: kept } });
    expect(assigned(await beat("b", 1))?.["t"]).toHaveLength(2);
    expect(describeIt()).toMatchObject({ state: "Stable", assignmentEpoch: 12 });
  });
});

describe("a member that asks for a pattern, and hangs up", () => {
  it("has none looked up, and reads what it read before", async () => {
    const { enter, beat, describeIt } = harness;
    await enter("a", null, { pattern: "t.*" });
    const gone = { pattern: "u.*", signal: AbortSignal.abort() };
    expect((await beat("a", 1, gone)).error).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(describeIt().members).toMatchObject([
      { pattern: "t.*", assigned: [{ topicName: "t", partitions: [0, 1, 2, 3] }] },
    ]);
  });
});

describe("a member that says more and more", () => {
  it("is refused what all members together may not say, and stays what it was", async () => {
    harness = await startConsumerHarness({ memberBytesTotalMax: 4_000 });
    await harness.log.createTopic("t", { partitions: 1 });
    const { enter, beat } = harness;
    await enter("a", ["t"]);
    const many = Array.from({ length: 200 }, (_, nth) => `topic-${nth}`);
    expect((await beat("a", 1, { topicNames: many })).error).toBe("POLICY_VIOLATION");
    expect((await beat("a", 1)).error).toBe("NONE");
    expect(harness.describeIt().members[0]?.topicNames).toEqual(["t"]);
    expect(counted("tributary_kafka_group_member_bytes")).toBeLessThanOrEqual(4_000);
  });
});
