import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Assignment,
  countOf,
  NOTHING,
} from "../../../../../src/kafka/groups/consumer/assignment.ts";
import {
  ASSIGNORS,
  type AssigningMember,
  type Assignor,
  assignorNamed,
  preferredAssignor,
} from "../../../../../src/kafka/groups/consumer/assignor.ts";
import { rangeAssignor } from "../../../../../src/kafka/groups/consumer/range-assignor.ts";
import { uniformAssignor } from "../../../../../src/kafka/groups/consumer/uniform-assignor.ts";

type Parts = ReadonlyMap<string, Assignment>;

const member = (id: string, topicIds: string[], before: Assignment = NOTHING): AssigningMember => ({
  ...{ id, topicIds, before },
});

function assign(assignor: Assignor, members: AssigningMember[], topics: Record<string, number>) {
  return assignor.assign(members, new Map(Object.entries(topics)));
}

function keep(parts: Parts, members: readonly AssigningMember[]): AssigningMember[] {
  return members.map((one) => ({ ...one, before: parts.get(one.id) ?? NOTHING }));
}

function plain(parts: Parts) {
  return Object.fromEntries(
    [...parts].map(([id, part]) => [
      id,
      Object.fromEntries([...part].map(([topic, all]) => [topic, [...all]])),
    ]),
  );
}

function pairs(part: Assignment | undefined): string[] {
  return [...(part ?? NOTHING)].flatMap(([topic, all]) => all.map((one) => `${topic}/${one}`));
}

/** How many partitions have another member than before, of those whose former one is still there. */
function moved(before: Parts, after: Parts): number {
  const now = new Map([...after].flatMap(([id, part]) => pairs(part).map((one) => [one, id])));
  return [...before]
    .filter(([id]) => after.has(id))
    .flatMap(([id, part]) => pairs(part).map((one) => now.get(one) === id))
    .filter((stayed) => !stayed).length;
}

const TOPICS = ["one", "two", "three"];
const topics = fc.record({
  one: fc.integer({ min: 1, max: 9 }),
  two: fc.integer({ min: 1, max: 9 }),
  three: fc.integer({ min: 1, max: 9 }),
});
const membersArbitrary = fc
  .array(fc.subarray(TOPICS), { minLength: 1, maxLength: 6 })
  .map((all) => all.map((read, nth) => member(`m-${nth}`, read)));

describe.each(ASSIGNORS)("$name", (assignor) => {
  it("gives every partition that anybody reads to one who reads it, whatever was before", () => {
    fc.assert(
      fc.property(membersArbitrary, membersArbitrary, topics, topics, (then, now, old, counts) => {
        const before = assign(assignor, then, old);
        const after = assign(assignor, keep(before, now), counts);
        const read = new Set(now.flatMap(({ topicIds }) => topicIds));
        const expected = Object.entries(counts)
          .filter(([topic]) => read.has(topic))
          .flatMap(([topic, count]) =>
            Array.from({ length: count }, (_, partition) => `${topic}/${partition}`),
          );
        expect([...after.values()].flatMap(pairs).toSorted()).toEqual(expected.toSorted());
        for (const { id, topicIds } of now) {
          expect(
            [...(after.get(id) ?? NOTHING).keys()].every((one) => topicIds.includes(one)),
          ).toBe(true);
        }
        expect(plain(assign(assignor, keep(after, now), counts))).toEqual(plain(after));
      }),
    );
  });
});

describe("uniform", () => {
  it("moves no more than it must when a member comes, or goes", () => {
    const all = [member("a", ["t"]), member("b", ["t"])];
    const before = assign(uniformAssignor, all, { t: 12 });
    const three = keep(before, [...all, member("c", ["t"])]);
    const after = assign(uniformAssignor, three, { t: 12 });
    expect([...after.values()].map(countOf)).toEqual([4, 4, 4]);
    expect(moved(before, after)).toBe(4);
    const left = keep(after, three).slice(1);
    const last = assign(uniformAssignor, left, { t: 12 });
    expect([...last.values()].map(countOf)).toEqual([6, 6]);
    expect(moved(after, last)).toBe(0);
  });

  it("differs by one at most where all read the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), topics, topics, (count, old, counts) => {
        const all = Array.from({ length: count }, (_, nth) => member(`m-${nth}`, TOPICS));
        const before = assign(uniformAssignor, all.slice(0, Math.ceil(count / 2)), old);
        const sizes = [...assign(uniformAssignor, keep(before, all), counts).values()].map(countOf);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("evens out over a third member who reads topics of both", () => {
    const before = new Map([
      ["a", new Map([["x", [0, 1]]])],
      ["b", new Map([["y", [0]]])],
      ["c", NOTHING],
    ]);
    const all = [member("a", ["x"]), member("b", ["x", "y"]), member("c", ["y"])];
    const after = assign(uniformAssignor, keep(before, all), { x: 2, y: 1 });
    expect([...after.values()].map(countOf)).toEqual([1, 1, 1]);
  });

  it("shares many partitions among many members, who do not all read the same", () => {
    const counts = Object.fromEntries(Array.from({ length: 100 }, (_, nth) => [`t-${nth}`, 20]));
    const names = Object.keys(counts);
    const all = Array.from({ length: 50 }, (_, nth) => member(`m-${nth}`, names.slice(nth)));
    const before = assign(uniformAssignor, all.slice(0, 1), counts);
    const after = assign(uniformAssignor, keep(before, all), counts);
    expect(new Set([...after.values()].map(countOf))).toEqual(new Set([40]));
  });
});

describe("range", () => {
  it("gives the same numbers of equal topics to the same member, in runs", () => {
    const all = [member("b", ["t", "u"]), member("a", ["t", "u"])];
    const after = assign(rangeAssignor, all, { t: 5, u: 5 });
    expect(plain(after)).toEqual({
      a: { t: [0, 1, 2], u: [0, 1, 2] },
      b: { t: [3, 4], u: [3, 4] },
    });
  });

  it("keeps the members in their order, newcomers last", () => {
    const all = [member("m", ["t"]), member("z", ["t"])];
    const before = assign(rangeAssignor, all, { t: 6 });
    const after = assign(rangeAssignor, keep(before, [member("a", ["t"]), ...all]), { t: 6 });
    expect(plain(after)).toEqual({ m: { t: [0, 1] }, z: { t: [2, 3] }, a: { t: [4, 5] } });
  });

  it("shares each topic among those alone who read it", () => {
    const all = [member("a", ["t"]), member("b", ["t", "u"]), member("c", ["u"])];
    expect(plain(assign(rangeAssignor, all, { t: 2, u: 3 }))).toEqual({
      a: { t: [0] },
      b: { t: [1], u: [0, 1] },
      c: { u: [2] },
    });
  });
});

describe("the assignor of a group", () => {
  it("is the one that most members wish for, and uniform where nobody says", () => {
    expect(preferredAssignor([null, null]).name).toBe("uniform");
    expect(preferredAssignor([null, "range"]).name).toBe("range");
    expect(preferredAssignor(["uniform", "range"]).name).toBe("uniform");
    expect(preferredAssignor(["uniform", "range", "range"]).name).toBe("range");
    expect(assignorNamed("sticky")).toBeUndefined();
  });
});
