import fc from "fast-check";
import { expect, test } from "vitest";
import { TwoGenerationCache } from "../../../../bridge/routes/two-generation-cache.ts";

test("it never holds more than it may, and never answers another key's value", () => {
  const step = fc.tuple(fc.constantFrom("get", "set"), fc.integer({ min: 0, max: 40 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const cache = new TwoGenerationCache<string>(10);
      for (const [verb, key] of steps) {
        if (verb === "set") cache.set(`${key}`, `value ${key}`);
        expect([undefined, `value ${key}`]).toContain(cache.get(`${key}`));
        expect(cache.size).toBeLessThanOrEqual(10);
      }
    }),
  );
});

test("what is asked for again and again stays", () => {
  const cache = new TwoGenerationCache<number>(10);
  cache.set("often", 1);
  for (let other = 0; other < 1_000; other += 1) {
    cache.set(`other ${other}`, other);
    expect(cache.get("often")).toBe(1);
  }
  expect(cache.get("other 0")).toBeUndefined();
});

test("long keys are not remembered", () => {
  const cache = new TwoGenerationCache<number>(4);
  cache.set("x".repeat(512), 1);
  cache.set("x".repeat(513), 2);
  expect([cache.get("x".repeat(512)), cache.get("x".repeat(513)), cache.size]).toEqual([
    1,
    undefined,
    1,
  ]);
});
