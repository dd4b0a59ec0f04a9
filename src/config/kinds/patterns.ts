/** A list of topic patterns, `*` standing for any characters, `?` for one: `telemetry,alarms-*`, or a YAML list. */
import { type Kind, problemAt, type Reading, readWord } from "../kind.ts";

const PATTERN = /^[A-Za-z0-9._*?-]{1,249}$/;
const PATTERNS_MAX = 256;
const BOUNDS = "topic names separated by commas; * stands for any characters, ? for one";

export function patterns(): Kind<readonly string[]> {
  return {
    read: readPatterns,
    placeholder: "PATTERN,...",
    bounds: BOUNDS,
    show: (list) => list.join(","),
  };
}

const readOne = readWord<readonly string[]>((text) => {
  const list = text.split(",").map((pattern) => pattern.trim());
  return list.every((pattern) => PATTERN.test(pattern))
    ? { value: list }
    : { problem: `must be ${BOUNDS}` };
});

function readPatterns(input: unknown): Reading<readonly string[]> {
  const all: string[] = [];
  for (const [index, one] of (Array.isArray(input) ? input : [input]).entries()) {
    const reading = readOne(one);
    if ("problem" in reading) return Array.isArray(input) ? problemAt(index, reading) : reading;
    all.push(...reading.value);
    if (all.length > PATTERNS_MAX) return { problem: `must be at most ${PATTERNS_MAX} patterns` };
  }
  return { value: all };
}
