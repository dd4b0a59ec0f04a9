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

test("long keys take the place of many short ones, and what does not fit is not kept", () => {
  const cache = new TwoGenerationCache<number>(200);
  for (let nth = 0; nth < 1_000; nth += 1) cache.set(`${nth} ${"x".repeat(1_280)}`, nth);
  expect(cache.size).toBeLessThanOrEqual(200 / 11);
  expect(cache.get(`999 ${"x".repeat(1_280)}`)).toBe(999);
  cache.set("x".repeat(65_535), 1);
  expect(cache.get("x".repeat(65_535))).toBeUndefined();
});
