/** Members that want to crash, starve or fool the coordinator. */
import { describe, expect, it } from "vitest";
import type { RequestContext } from "../../../../src/kafka/api.ts";
import { joinGroup } from "../../../../src/kafka/apis/11-join-group.ts";
import type { JoinAnswer } from "../../../../src/kafka/groups/member.ts";
import { DELAY_MS, protocols, SESSION_MS, startHarness } from "./group-harness.ts";

describe("ids that are handed out and never used", () => {
  it("count among the members of all groups, until their time is over", async () => {
    const { join, timers } = await startHarness({ membersTotalMax: 3 });
    for (const groupId of ["a", "b", "c"]) {
      const { error } = await join({ groupId, requiresKnownId: true });
      expect(error).toBe("MEMBER_ID_REQUIRED");
    }
    expect((await join({ requiresKnownId: true })).error).toBe("GROUP_MAX_SIZE_REACHED");
    await timers.advance(SESSION_MS);
    expect((await join({ requiresKnownId: true })).error).toBe("MEMBER_ID_REQUIRED");
  });

  it("are a place for those who use them, also where all places are taken", async () => {
    const { join, timers, groups } = await startHarness({ membersTotalMax: 2 });
    const first = await join({ requiresKnownId: true });
    const second = await join({ requiresKnownId: true });
    const joined = [first, second].map(({ memberId }) => join({ memberId }));
    await timers.advance(DELAY_MS * 2);
    expect((await Promise.all(joined)).map(({ error }) => error)).toEqual(["NONE", "NONE"]);
    expect((await join({ requiresKnownId: true })).error).toBe("GROUP_MAX_SIZE_REACHED");
    groups.leave("g", [{ memberId: first.memberId, instanceId: null }]);
    const third = await join({ requiresKnownId: true });
    groups.leave("g", [{ memberId: third.memberId, instanceId: null }]);
    expect((await join({ requiresKnownId: true })).error).toBe("MEMBER_ID_REQUIRED");
  });
});

describe("a member that knows very many protocols", () => {
  it("is refused, whatever they are called", async () => {
    const { join } = await startHarness();
    const unnamed = Array.from({ length: 200_000 }, () => ({
      name: "",
      metadata: Buffer.alloc(0),
    }));
    expect((await join({ protocols: unnamed })).error).toBe("POLICY_VIOLATION");
  });

  it("is counted for each of them", async () => {
    const { join, timers, groups } = await startHarness();
    const bytes = () =>
      groups.metrics().find(({ name }) => name === "tributary_kafka_group_member_bytes")?.value;
    void join({ protocols: protocols("a") });
    const one = bytes() ?? 0;
    void join({ protocols: protocols(..."a b c d e f g h i j".split(" ")) });
    expect((bytes() ?? 0) - 2 * one).toBeGreaterThan(9 * 100);
    await timers.advance(0);
  });
});

describe("a client whose name is cut in the midst of a character", () => {
  it("is given an id that it can send back", async () => {
    const { groups } = await startHarness();
    const request = {
      ...{ groupId: "g", memberId: "", instanceId: null, protocolType: "consumer" },
      ...{ sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: SESSION_MS },
      protocols: protocols("range"),
    };
    const context = {
      broker: { groups },
      rights: { group: () => true },
      ...{ clientId: `${"x".repeat(99)}\u{1f30a}`, clientHost: "127.0.0.1", version: 4 },
      signal: new AbortController().signal,
    } as unknown as RequestContext;
    const { error, memberId } = (await joinGroup.handle(request, context)) as JoinAnswer;
    expect(error).toBe("MEMBER_ID_REQUIRED");
    expect(Buffer.from(memberId).toString()).toBe(memberId);
  });
});
