import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { collectStartGarbage } from "../../../src/cli/collect-start-garbage.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the garbage of a start is collected once, in the first quiet second", () => {
  const utilizations = [0.9, 0.11, 0.1, 0];
  const collect = vi.fn();
  collectStartGarbage({ utilization: () => utilizations.shift() ?? 0, collect });
  vi.advanceTimersByTime(2_999);
  expect(collect).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(collect).toHaveBeenCalledTimes(1);
  expect(utilizations).toEqual([0]);
});

test("V8's own collection leaves no gc() behind for anybody to call", () => {
  collectStartGarbage({ utilization: () => 0 });
  vi.advanceTimersByTime(1_000);
  expect(globalThis).not.toHaveProperty("gc");
  expect(vi.getTimerCount()).toBe(0);
});
