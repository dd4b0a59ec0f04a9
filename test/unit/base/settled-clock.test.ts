import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { SettledClock } from "../../../src/base/settled-clock.ts";

const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;

describe("a clock that has to settle", () => {
  it("is believed when the process has run for the grace", () => {
    const clock = new ManualClock();
    const settled = new SettledClock(clock, HOUR_MS);
    clock.advance(HOUR_MS - 1);
    expect(settled.isSettled()).toBe(false);
    clock.advance(1);
    expect(settled.isSettled()).toBe(true);
  });

  it.each([YEAR_MS, -YEAR_MS])(
    "is not believed for as long again after a jump by %d ms",
    (byMs) => {
      const clock = new ManualClock();
      const settled = new SettledClock(clock, HOUR_MS);
      clock.advance(2 * HOUR_MS);
      expect(settled.isSettled()).toBe(true);
      clock.jump(byMs);
      expect(settled.isSettled()).toBe(false);
      clock.advance(HOUR_MS - 1);
      expect(settled.isSettled()).toBe(false);
      clock.advance(1);
      expect(settled.isSettled()).toBe(true);
    },
  );

  it("may be set right by little steps", () => {
    const clock = new ManualClock();
    const settled = new SettledClock(clock, HOUR_MS);
    for (let nth = 0; nth < 100; nth += 1) {
      clock.advance(60_000);
      clock.jump(5_000);
      settled.isSettled();
    }
    expect(settled.isSettled()).toBe(true);
  });
});
