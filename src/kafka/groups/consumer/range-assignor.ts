/**
 * `range`: of each topic, every member gets a run of neighbouring partitions, as even as they can
 * be. With equal topics (as many partitions, the same readers) partition p of each goes to the same
 * member, so that their records can be joined.
 *
 * Sticky by the order of the members: they stand as they stood in the topic before, newcomers last,
 * and in a new topic as in the others.
 */
import { type Assignment, assignmentOf, type TopicPartitions } from "./assignment.ts";
import type { AssigningMember, Assignor } from "./assignor.ts";

/** After every partition there is. */
const NOWHERE = Number.POSITIVE_INFINITY;

export const rangeAssignor: Assignor = {
  name: "range",

  assign(members, partitions) {
    const parts = new Map(members.map(({ id }) => [id, [] as TopicPartitions[]]));
    for (const [topicId, count] of partitions) {
      const readers = members.filter(({ topicIds }) => topicIds.includes(topicId));
      readers.sort((one, other) => compare(one, other, topicId));
      for (const [at, { id }] of readers.entries()) {
        parts.get(id)?.push({ topicId, partitions: rangeOf(at, readers.length, count) });
      }
    }
    return new Map([...parts].map(([id, listed]) => [id, assignmentOf(listed)]));
  },
};

/** The first `count % readers` of them get one more than the others. */
function rangeOf(at: number, readers: number, count: number): number[] {
  const each = Math.floor(count / readers);
  const larger = count % readers;
  const first = at * each + Math.min(at, larger);
  return Array.from({ length: each + (at < larger ? 1 : 0) }, (_, nth) => first + nth);
}

function compare(one: AssigningMember, other: AssigningMember, topicId: string): number {
  const places = ({ before, id }: AssigningMember) =>
    [before.get(topicId)?.[0] ?? NOWHERE, lowest(before), id] as const;
  const [ofOne, ofOther] = [places(one), places(other)];
  const at = ofOne.findIndex((place, nth) => place !== ofOther[nth]);
  return (ofOne[at] ?? 0) < (ofOther[at] ?? 0) ? -1 : 1;
}

function lowest(before: Assignment): number {
  let found = NOWHERE;
  for (const [first = found] of before.values()) found = Math.min(found, first);
  return found;
}
