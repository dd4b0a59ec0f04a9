import { describe, expect, it } from "vitest";
import { Backoff } from "../../../src/base/backoff.ts";

const OPTIONS = { initialMs: 100, maxMs: 1_000, jitter: 0.5 };

describe("the backoff", () => {
  it("doubles each delay up to its limit", () => {
    const backoff = new Backoff(OPTIONS, () => 0);
    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
  });

  it("takes off at most the jitter's share", () => {
    const backoff = new Backoff(OPTIONS, () => 0.999_999);
    expect(backoff.next()).toBe(50);
    expect(backoff.next()).toBe(100);
  });

  it("begins anew after a reset", () => {
    const backoff = new Backoff(OPTIONS, () => 0);
    backoff.next();
    backoff.next();
    expect(backoff.attempts).toBe(2);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it("stays at its limit however long an outage lasts", () => {
    const backoff = new Backoff(OPTIONS, () => 0);
    for (let attempt = 0; attempt < 5_000; attempt++) backoff.next();
    expect(backoff.next()).toBe(1_000);
  });
});
