import { expect, test } from "vitest";
import { LatencyHistogram } from "../../../firmware-sim/latency-histogram.ts";

test("quantiles are within a tenth of the truth, over five orders of magnitude", () => {
  for (const scale of [0.1, 10, 1_000]) {
    const histogram = new LatencyHistogram();
    for (let i = 1; i <= 1_000; i++) histogram.record((i / 1_000) * scale);
    expect(histogram.quantileMs(0.5) / (0.5 * scale)).toBeCloseTo(1, 0.9);
    expect(Math.abs(histogram.quantileMs(0.99) / (0.99 * scale) - 1)).toBeLessThan(0.1);
  }
});

test("an empty histogram answers 0, and extremes stay inside", () => {
  const histogram = new LatencyHistogram();
  expect(histogram.quantileMs(0.5)).toBe(0);
  histogram.record(0);
  expect(histogram.quantileMs(1)).toBe(0.01);
  histogram.record(1e12);
  expect(histogram.quantileMs(1)).toBeLessThan(5e6);
});
