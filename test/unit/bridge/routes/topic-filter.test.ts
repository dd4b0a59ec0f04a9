import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  filterComplaint,
  TopicFilter,
  topicComplaint,
} from "../../../../bridge/routes/topic-filter.ts";

const level = fc.constantFrom("", "a", "b", "plant", "é");
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join("/"));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ["#"] : [])].join("/"));

/** The specification's rules as a regular expression: a second opinion on what matches. */
function matchesBySpec(pattern: string, name: string): boolean {
  if (name.startsWith("$") && /^[+#]/.test(pattern)) return false;
  if (pattern === "#") return true;
  const open = pattern.endsWith("/#");
  const closed = open ? pattern.slice(0, -2) : pattern;
  const body = closed
    .split("/")
    .map((part) => (part === "+" ? "[^/]*" : part))
    .join("/");
  return new RegExp(`^${body}${open ? "(/.*)?" : ""}$`, "s").test(name);
}

test("a filter matches what the specification says it matches", () => {
  fc.assert(
    fc.property(filter, topic, (pattern, name) => {
      const matched = new TopicFilter(pattern).match(name) !== undefined;
      expect(matched).toBe(matchesBySpec(pattern, name));
    }),
    { numRuns: 2_000 },
  );
});

test("putting the captures back in place of the wildcards gives the topic again", () => {
  fc.assert(
    fc.property(filter, topic, (pattern, name) => {
      const captures = new TopicFilter(pattern).match(name);
      if (captures === undefined) return;
      let next = 0;
      const levels = pattern.split("/").map((part) => {
        return part === "+" || part === "#" ? captures[next++] : part;
      });
      expect(captures).toHaveLength(next);
      // "a/#" also matches "a", where "#" stands for nothing at all.
      expect([name, `${name}/`]).toContain(levels.join("/"));
    }),
    { numRuns: 2_000 },
  );
});

describe("topics that begin with $", () => {
  test.each(["#", "+/x", "+/#"])("are not matched by %s", (pattern) => {
    expect(new TopicFilter(pattern).match("$SYS/x")).toBeUndefined();
  });

  test("are matched by a filter that names them", () => {
    expect(new TopicFilter("$SYS/#").match("$SYS/x")).toEqual(["x"]);
  });
});

test.each(["", "a/#/b", "a#", "#a", "a+/b", "a/b+", "a\0", "x".repeat(65_536)])(
  "the filter %j is refused",
  (pattern) => {
    expect(filterComplaint(pattern)).toBeTypeOf("string");
  },
);

test.each(["#", "+", "a/+/b/#", "/", "//", "+/+", "$SYS/#", "é/ü"])(
  "the filter %j is taken",
  (pattern) => {
    expect(filterComplaint(pattern)).toBeUndefined();
  },
);

test.each(["", "a/+", "#", "a\0b"])("nobody can publish to %j", (name) => {
  expect(topicComplaint(name)).toBeTypeOf("string");
});
