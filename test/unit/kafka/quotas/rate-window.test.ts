import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RATE_WINDOW_MS, RateWindow } from "../../../../src/kafka/quotas/rate-window.ts";

describe("a rate", () => {
  it("is what came in the last eleven seconds over that time", () => {
    const window = new RateWindow();
    window.add(10_000, 5_000);
    expect(window.throttleMs(1_000, 5_000)).toBe(0);
    window.add(2_000, 5_500);
    // 12,000 bytes at 1,000 a second take 12 s, and 10.5 s is what a window counts for.
    expect(window.throttleMs(1_000, 5_500)).toBe(1_500);
    expect(window.bytes(15_999)).toBe(12_000);
    expect(window.bytes(16_000)).toBe(0);
    expect(window.throttleMs(1_000, 16_000)).toBe(0);
  });

  it("is told at most for as long as its samples are kept", () => {
    const window = new RateWindow();
    window.add(1e12, 0);
    expect(window.throttleMs(1, 0)).toBe(RATE_WINDOW_MS);
    expect(window.throttleMs(1, RATE_WINDOW_MS)).toBe(0);
  });

  it("holds the sum of every sample that is young enough, whenever they came", () => {
    const steps = fc.array(fc.tuple(fc.nat(20_000), fc.nat(1_000)), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (moves) => {
        const window = new RateWindow();
        const added: { readonly second: number; readonly bytes: number }[] = [];
        let nowMs = 0;
        for (const [laterMs, bytes] of moves) {
          nowMs += laterMs;
          window.add(bytes, nowMs);
          added.push({ second: Math.floor(nowMs / 1000), bytes });
          const young = added.filter(({ second }) => second > Math.floor(nowMs / 1000) - 11);
          expect(window.bytes(nowMs)).toBe(young.reduce((sum, each) => sum + each.bytes, 0));
        }
      }),
    );
  });
});
