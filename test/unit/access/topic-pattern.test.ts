import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { covers, levelsOf, overlaps, patternComplaint } from "../../../src/access/topic-pattern.ts";

/** A letter that no filter below names stands for all the others there are. */
const TOPIC_LEVELS = ["", "a", "b", "$c", "z"];
const TOPIC_LEVELS_MAX = 4;
const FILTER_LEVELS = ["", "a", "b", "$c", "+"];

/** Every topic of up to four levels: more than the filters below can tell apart. */
const TOPICS = everyTopic(TOPIC_LEVELS_MAX).map((levels) => levels.join("/"));

const filter = fc
  .tuple(
    fc.array(fc.constantFrom(...FILTER_LEVELS), { maxLength: 3 }),
    fc.boolean(),
    fc.constantFrom(...FILTER_LEVELS),
  )
  .map(([levels, open, only]) => {
    const all = open ? [...levels, "#"] : levels;
    return (all.length === 0 ? [only] : all).join("/");
  });

const covering = (pattern: string, name: string) => covers(levelsOf(pattern), levelsOf(name));
const overlapping = (left: string, right: string) => overlaps(levelsOf(left), levelsOf(right));

test("a pattern covers a filter exactly where it takes every topic that the filter takes", () => {
  fc.assert(
    fc.property(filter, filter, (pattern, name) => {
      const all = TOPICS.filter(takes(name)).every(takes(pattern));
      expect(covering(pattern, name), `${pattern} covers ${name}`).toBe(all);
    }),
    { numRuns: 1_000 },
  );
});

test("two filters overlap exactly where there is a topic that both take", () => {
  fc.assert(
    fc.property(filter, filter, (left, right) => {
      const both = TOPICS.filter(takes(left)).some(takes(right));
      expect(overlapping(left, right), `${left} overlaps ${right}`).toBe(both);
      expect(overlapping(right, left)).toBe(both);
    }),
    { numRuns: 1_000 },
  );
});

test("a topic is covered and overlapped exactly where it is matched", () => {
  fc.assert(
    fc.property(filter, fc.constantFrom(...TOPICS), (pattern, topic) => {
      const matches = takes(pattern)(topic);
      expect([covering(pattern, topic), overlapping(pattern, topic)]).toEqual([matches, matches]);
    }),
    { numRuns: 1_000 },
  );
});

describe("covering", () => {
  test.each([
    ["#", "a/b"],
    ["#", "+/#"],
    ["+/#", "#"],
    ["a/#", "a"],
    ["a/#", "a/+/c"],
    ["a/+", "a/b"],
    ["a/+/#", "a/b/#"],
    ["$SYS/#", "$SYS/+"],
  ])("%s covers %s", (pattern, name) => {
    expect(covering(pattern, name)).toBe(true);
  });

  test.each([
    ["a/+", "a/#"],
    ["a/b", "a/+"],
    ["+", "#"],
    ["+/+", "+"],
    ["#", "$SYS/a"],
    ["+/a", "$SYS/a"],
    ["a/+/#", "a/#"],
  ])("%s does not cover %s", (pattern, name) => {
    expect(covering(pattern, name)).toBe(false);
  });
});

test.each(["", "a/#/b", "a#", "a+/b", "#/", "a\0", "x".repeat(1025)])(
  "%j is no pattern",
  (pattern) => {
    expect(patternComplaint(pattern)).toBeTypeOf("string");
  },
);

test.each(["#", "+", "a/+/#", "/", "+/+", "$SYS/#"])("%j is a pattern", (pattern) => {
  expect(patternComplaint(pattern)).toBeUndefined();
});

function everyTopic(levelsMax: number): string[][] {
  if (levelsMax === 0) return [];
  const shorter = everyTopic(levelsMax - 1);
  const longest = levelsMax === 1 ? [[]] : shorter.filter(({ length }) => length === levelsMax - 1);
  return [...shorter, ...longest.flatMap((topic) => TOPIC_LEVELS.map((one) => [...topic, one]))];
}

/** The specification's rules as a regular expression, section 4.7: a second opinion. */
function takes(pattern: string): (topic: string) => boolean {
  const open = pattern.endsWith("/#");
  const body = (open ? pattern.slice(0, -2) : pattern)
    .split("/")
    .map((level) => (level === "+" ? "[^/]*" : level.replace("$", "\\$")))
    .join("/");
  const matching = pattern === "#" ? /^/ : new RegExp(`^${body}${open ? "(/.*)?" : ""}$`);
  const wild = /^[+#]/.test(pattern);
  return (topic) => !(wild && topic.startsWith("$")) && matching.test(topic);
}
