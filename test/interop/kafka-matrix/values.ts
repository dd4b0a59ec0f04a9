/** The values that cells write, and how what comes back is held against them. */
import { expect } from "vitest";

export function valuesOf(word: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, nth) => `${word} ${nth} ${"é".repeat(20 + (nth % 100))}`,
  );
}

/** As toEqual, but without hundreds of lines where they differ. */
export function expectSame(values: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((value, nth) => values[nth] !== value);
  const differs = at < 0 ? "" : `at ${at}: ${values[at]} in place of ${expected[at]}`;
  expect({ count: values.length, differs }).toEqual({ count: expected.length, differs: "" });
}
