import fc from "fast-check";
import { expect, test } from "vitest";
import { TopicFilter } from "../../../../bridge/routes/topic-filter.ts";
import { LEVEL_BYTES, RetainedIndex } from "../../../../bridge/session/retained-index.ts";

const HELD = { bytes: 1, expiresAtMs: undefined };

function found(index: RetainedIndex, filter: string): string[] {
  return [...index.matching(filter)].filter((topic) => topic !== undefined).toSorted();
}

test("it finds just what the filter matches, whatever came and went", () => {
  const name = fc.constantFrom("", "a", "b", "$c");
  const topic = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const level = fc.oneof(name, fc.constant("+"));
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ["#"] : [])].join("/"));
  const step = fc.tuple(
    fc.boolean(),
    topic.filter((text) => text !== ""),
  );
  fc.assert(
    fc.property(fc.array(step), fc.oneof(filter, fc.constant("#")), (steps, text) => {
      const index = new RetainedIndex();
      const topics = new Set<string>();
      for (const [there, given] of steps) {
        if (there) index.set(given, HELD);
        else index.delete(given);
        if (there) topics.add(given);
        else topics.delete(given);
      }
      const matcher = new TopicFilter(text);
      const expected = [...topics].filter((given) => matcher.match(given) !== undefined);
      expect(found(index, text)).toEqual(expected.toSorted());
      expect(index.count).toBe(topics.size);
    }),
    { numRuns: 500 },
  );
});

test("what it takes in memory is counted by levels that topics do not share, and given back", () => {
  const index = new RetainedIndex();
  index.set("a/b/c", HELD);
  expect(index.bytes).toBe(3 * LEVEL_BYTES);
  expect(index.newLevels("a/b/d/e")).toBe(2);
  index.set("a/b/d/e", HELD);
  index.set("a", HELD);
  expect(index.bytes).toBe(5 * LEVEL_BYTES);
  index.delete("a/b/d");
  index.delete("x/y");
  expect(index.bytes).toBe(5 * LEVEL_BYTES);
  for (const topic of ["a/b/d/e", "a/b/c", "a"]) index.delete(topic);
  expect([index.bytes, index.count]).toEqual([0, 0]);
});

test("a long walk pauses, also where nothing matches", () => {
  const index = new RetainedIndex();
  for (let nth = 0; nth < 5_000; nth += 1) index.set(`plant/${nth}/state`, HELD);
  const walked = [...index.matching("plant/+/none")];
  expect(walked.length).toBeGreaterThanOrEqual(5);
  expect(walked.every((topic) => topic === undefined)).toBe(true);
});

test("a walk goes on over topics that come and go meanwhile", () => {
  const index = new RetainedIndex();
  for (let nth = 0; nth < 100; nth += 1) index.set(`a/${nth}`, HELD);
  const walk = index.matching("a/#");
  expect(walk.next().value).toBe("a/0");
  for (let nth = 1; nth < 99; nth += 1) index.delete(`a/${nth}`);
  expect([...walk]).toEqual(["a/99"]);
});
