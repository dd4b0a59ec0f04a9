import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settleAfterStart } from "../../../src/cli/settle-after-start.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a start settles once, in the first quiet second", () => {
  const utilizations = [0.9, 0.11, 0.1, 0];
  const settle = vi.fn();
  settleAfterStart({ utilization: () => utilizations.shift() ?? 0, settle });
  vi.advanceTimersByTime(2_999);
  expect(settle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(settle).toHaveBeenCalledTimes(1);
  expect(utilizations).toEqual([0]);
});

test("a start that no quiet second follows settles after half a minute", () => {
  const settle = vi.fn();
  settleAfterStart({ utilization: () => 1, settle });
  vi.advanceTimersByTime(29_999);
  expect(settle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(settle).toHaveBeenCalledTimes(1);
});

test("V8's own collection leaves no gc() behind for anybody to call", () => {
  settleAfterStart({ utilization: () => 0 });
  vi.advanceTimersByTime(1_000);
  expect(globalThis).not.toHaveProperty("gc");
  expect(vi.getTimerCount()).toBe(0);
});
