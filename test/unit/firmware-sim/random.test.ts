import { expect, test } from "vitest";
import { randomStream } from "../../../firmware-sim/random.ts";

function sample(count: number, draw: () => number): { mean: number; deviation: number } {
  const values = Array.from({ length: count }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { mean, deviation: Math.sqrt(variance) };
}

test("a stream is decided by seed, index and name, each of them", () => {
  const draws = (seed: number, index: number, name: string) => {
    const random = randomStream(seed, index, name);
    return Array.from({ length: 4 }, () => random.bits()).join();
  };
  const all = [
    draws(1, 0, "content"),
    draws(2, 0, "content"),
    draws(1, 1, "content"),
    draws(1, 0, "link"),
  ];
  expect(new Set(all).size).toBe(4);
  expect(draws(1, 0, "content")).toBe(all[0]);
});

test("uniform and normal draws have the moments they promise", () => {
  const random = randomStream(99, 0, "moments");
  const uniform = sample(50_000, () => random.unit());
  expect(uniform.mean).toBeCloseTo(0.5, 2);
  expect(uniform.deviation).toBeCloseTo(1 / Math.sqrt(12), 2);
  const normal = sample(50_000, () => random.normal(10, 2));
  expect(normal.mean).toBeCloseTo(10, 1);
  expect(normal.deviation).toBeCloseTo(2, 1);
  const logarithms = sample(50_000, () => Math.log(random.logNormal(3, 0.5)));
  expect(logarithms.mean).toBeCloseTo(3, 1);
  expect(logarithms.deviation).toBeCloseTo(0.5, 1);
});

test("an index stays below its count and reaches all of it", () => {
  const random = randomStream(5, 0, "index");
  const seen = new Set(Array.from({ length: 1_000 }, () => random.index(7)));
  expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
