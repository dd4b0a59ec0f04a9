/** Groups on a board without a clock battery: it hears of the time long after its start. */
import { describe, expect, it } from "vitest";
import { startHarness } from "./group-harness.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const LIMITS = { offsetRetentionMs: 3 * DAY_MS, expiryGraceMs: DAY_MS, expiryCheckMs: HOUR_MS };

describe("when the clock jumps by years", () => {
  it("the offsets of a group that is away are kept for the grace, and then go", async () => {
    const { groups, log, commit, timers, clock } = await startHarness(LIMITS);
    await log.createTopic("t", { partitions: 1 });
    await timers.advance(2 * DAY_MS);
    await commit(7);
    clock.jump(YEAR_MS);
    await timers.advance(DAY_MS - HOUR_MS);
    expect(groups.offsets.all()).toHaveLength(1);
    await timers.advance(2 * HOUR_MS);
    expect(groups.offsets.all()).toEqual([]);
  });

  it("no member is taken for silent", async () => {
    const { heartbeat, timers, clock, stableGroup } = await startHarness(LIMITS);
    const { leader, generation } = await stableGroup(1);
    clock.jump(YEAR_MS);
    await timers.advance(1_000);
    expect(heartbeat(leader, generation)).toBe("NONE");
  });
});
