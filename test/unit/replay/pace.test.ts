import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { Pacer } from "../../../src/replay/pace.ts";

const HOUR_MS = 3_600_000;
const BASE_MS = 1_767_225_600_000;

/** What the pacer waits before each record, where every wait is kept to. */
function waits(timestampsMs: readonly number[], speed = 1, gapMsMax = HOUR_MS): number[] {
  const clock = new ManualClock();
  const pacer = new Pacer(clock, { speed, gapMsMax });
  return timestampsMs.map((timestampMs) => {
    const waitMs = pacer.waitMs(BASE_MS + timestampMs);
    clock.advance(waitMs);
    return waitMs;
  });
}

describe("Pacer", () => {
  it("sends the first record at once, and the next after what lies between them", () => {
    expect(waits([0, 1000, 1500, 61_500])).toEqual([0, 1000, 500, 60_000]);
  });

  it("divides by the speed", () => {
    expect(waits([0, 1000, 61_000], 10)).toEqual([0, 100, 6000]);
    expect(waits([0, 1000], 0.5)).toEqual([0, 2000]);
  });

  it("adds up waits that are too short for a timer", () => {
    expect(waits([0, 10, 20, 30, 40], 10)).toEqual([0, 0, 2, 0, 2]);
  });

  it("never waits for a leap into the past, nor again for what it has come to already", () => {
    expect(waits([0, 60_000, -HOUR_MS, 30_000, 61_000])).toEqual([0, 60_000, 0, 0, 1000]);
  });

  it("does not add the time that its reader takes", () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, { speed: 1, gapMsMax: HOUR_MS });
    pacer.waitMs(0);
    clock.advance(400);
    expect(pacer.waitMs(1000)).toBe(600);
    clock.advance(5000);
    expect(pacer.waitMs(2000)).toBe(0);
  });

  it("does not send in one burst what a long stop of its reader held up", () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, { speed: 1, gapMsMax: 5000 });
    pacer.waitMs(0);
    clock.advance(HOUR_MS);
    expect(pacer.waitMs(4000)).toBe(0);
    expect(pacer.waitMs(8000)).toBe(3000);
  });

  it("waits no longer than the longest gap, and goes on from the new time when it is confirmed", () => {
    expect(waits([0, 10 * HOUR_MS, 10 * HOUR_MS + 1000, 10 * HOUR_MS + 3000])).toEqual([
      0,
      HOUR_MS,
      1000,
      2000,
    ]);
  });

  it("keeps its pace after one record from the far future", () => {
    expect(waits([0, 1000, 1e12, 2000, 3000], 1, 5000)).toEqual([0, 1000, 5000, 1000, 1000]);
  });

  it("keeps its pace between two devices whose clocks are an hour apart", () => {
    const ahead = 2 * HOUR_MS;
    expect(waits([0, ahead, 1000, ahead + 1000, 2000, ahead + 2000], 1, 5000)).toEqual([
      0, 5000, 1000, 1000, 0, 1000,
    ]);
  });
});
