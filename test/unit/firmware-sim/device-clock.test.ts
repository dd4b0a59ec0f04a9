import { expect, test } from "vitest";
import { deviceClock } from "../../../firmware-sim/device-clock.ts";
import { randomStream } from "../../../firmware-sim/random.ts";

const startMs = Date.UTC(2026, 0, 1);

test("a drifting clock gains its parts per million and keeps its offset", () => {
  const random = randomStream(7, 3, "clock");
  const clock = deviceClock(random, startMs, { driftPpmMax: 200, offsetMsMax: 5_000 });
  const hourMs = 3_600_000;
  expect(clock.read(startMs)).toBe(Math.round(startMs + clock.offsetMs));
  const gained = clock.read(startMs + hourMs) - clock.read(startMs) - hourMs;
  expect(Math.abs(gained - clock.driftPpm * 3.6)).toBeLessThanOrEqual(1);
  expect(clock.driftPpm).not.toBe(0);
});

test("clocks spread over both directions and never beyond the limit", () => {
  const drifts = Array.from({ length: 500 }, (_unused, index) => {
    const random = randomStream(7, index, "clock");
    return deviceClock(random, startMs, { driftPpmMax: 50, offsetMsMax: 0 }).driftPpm;
  });
  expect(Math.max(...drifts)).toBeLessThanOrEqual(50);
  expect(Math.max(...drifts)).toBeGreaterThan(40);
  expect(Math.min(...drifts)).toBeGreaterThanOrEqual(-50);
  expect(Math.min(...drifts)).toBeLessThan(-40);
});

test("without drift and offset a clock shows the true time", () => {
  const clock = deviceClock(randomStream(1, 1, "clock"), startMs, {
    driftPpmMax: 0,
    offsetMsMax: 0,
  });
  expect(clock.read(startMs + 123_456)).toBe(startMs + 123_456);
});
