/**
 * `uniform`: partitions are spread as evenly as the members' topics allow, and move as little as
 * that takes. In three steps:
 *
 *  1. who had a partition and still reads its topic keeps it;
 *  2. what nobody has goes to whoever of its readers has least, scarce topics first;
 *  3. while one member has two more than another, a partition goes from the one to the other: at
 *     once, or over others in between who read in part the same topics.
 *
 * After the third step no exchange makes it more even. Each exchange lessens the sum of the squares,
 * so they come to an end.
 */
import { assert } from "../../../base/errors.ts";
import { type Assignment, assignmentOf, type TopicPartitions } from "./assignment.ts";
import type { AssigningMember, Assignor, PartitionCounts } from "./assignor.ts";

interface Reader {
  readonly id: string;
  /** Its partitions by topic id; the one it got last stands last. */
  readonly parts: Map<string, number[]>;
  count: number;
}

/** A partition of `topicId` goes from the reader before to `to`. */
interface Step {
  readonly topicId: string;
  readonly from: Reader;
  readonly to: Reader;
  readonly before: Step | undefined;
}

export const uniformAssignor: Assignor = {
  name: "uniform",

  assign(members, partitions) {
    const readers = new Map(
      members.map(({ id }): [string, Reader] => [id, { id, parts: new Map(), count: 0 }]),
    );
    const byTopic = readersByTopic(members, readers, partitions);
    const free = keepWhatTheyHad(members, readers, byTopic, partitions);
    giveAway(free, byTopic);
    evenOut([...readers.values()], byTopic);
    return new Map([...readers.values()].map(({ id, parts }) => [id, partOf(parts)]));
  },
};

function readersByTopic(
  members: readonly AssigningMember[],
  readers: ReadonlyMap<string, Reader>,
  partitions: PartitionCounts,
): Map<string, Reader[]> {
  const byTopic = new Map<string, Reader[]>([...partitions.keys()].map((id) => [id, []]));
  for (const { id, topicIds } of members) {
    const reader = readers.get(id);
    if (reader === undefined) continue;
    for (const topicId of topicIds) byTopic.get(topicId)?.push(reader);
  }
  return byTopic;
}

/** Answers, by topic, the partitions that nobody has kept. */
function keepWhatTheyHad(
  members: readonly AssigningMember[],
  readers: ReadonlyMap<string, Reader>,
  byTopic: ReadonlyMap<string, readonly Reader[]>,
  partitions: PartitionCounts,
): Map<string, number[]> {
  const kept = new Set<string>();
  for (const { id, topicIds, before } of members) {
    const reader = readers.get(id);
    for (const topicId of topicIds) {
      for (const partition of before.get(topicId) ?? []) {
        const key = `${topicId}/${partition}`;
        const exists = partition < (partitions.get(topicId) ?? 0);
        if (reader === undefined || !exists || kept.has(key)) continue;
        kept.add(key);
        give(reader, topicId, partition);
      }
    }
  }
  const free = new Map<string, number[]>();
  for (const topicId of byTopic.keys()) {
    const all = Array.from({ length: partitions.get(topicId) ?? 0 }, (_, partition) => partition);
    const left = all.filter((partition) => !kept.has(`${topicId}/${partition}`));
    if (left.length > 0) free.set(topicId, left);
  }
  return free;
}

function giveAway(
  free: ReadonlyMap<string, readonly number[]>,
  byTopic: ReadonlyMap<string, readonly Reader[]>,
): void {
  const readersOf = (topicId: string) => byTopic.get(topicId) ?? [];
  const scarceFirst = [...free].sort(
    ([one], [other]) => readersOf(one).length - readersOf(other).length,
  );
  for (const [topicId, partitions] of scarceFirst) {
    for (const partition of partitions) {
      const least = leastOf(readersOf(topicId));
      if (least !== undefined) give(least, topicId, partition);
    }
  }
}

function leastOf(readers: readonly Reader[]): Reader | undefined {
  let least: Reader | undefined;
  for (const reader of readers)
    if (least === undefined || reader.count < least.count) least = reader;
  return least;
}

/**
 * Who has most gives first. One that cannot give to anybody never can again: whoever gives later has
 * no more than it, and so changes nothing that it could reach.
 */
function evenOut(
  readers: readonly Reader[],
  byTopic: ReadonlyMap<string, readonly Reader[]>,
): void {
  const givers = new Set(readers);
  while (givers.size > 0) {
    const giver = mostOf(givers);
    const lowest = leastOf(readers)?.count ?? 0;
    const way = giver.count < lowest + 2 ? undefined : wayOut(giver, byTopic, lowest);
    if (way === undefined) givers.delete(giver);
    for (let step = way; step !== undefined; step = step.before) move(step);
  }
}

function mostOf(givers: ReadonlySet<Reader>): Reader {
  const [first, ...others] = givers;
  assert(first !== undefined, "the one with most is looked for among none");
  return others.reduce((most, one) => (one.count > most.count ? one : most), first);
}

/**
 * The shortest way by which one partition of `giver`'s ends at somebody who has two less; nobody has
 * less than `lowest`, so where one is found who has as little, there is no need to look further.
 */
function wayOut(
  giver: Reader,
  byTopic: ReadonlyMap<string, readonly Reader[]>,
  lowest: number,
): Step | undefined {
  const seenTopics = new Set<string>();
  const seen = new Set([giver]);
  let reached: (Step | undefined)[] = [undefined];
  while (reached.length > 0) {
    const further: Step[] = [];
    for (const before of reached) {
      const from = before?.to ?? giver;
      for (const topicId of from.parts.keys()) {
        if (seenTopics.has(topicId)) continue;
        seenTopics.add(topicId);
        for (const to of byTopic.get(topicId) ?? []) {
          if (seen.has(to)) continue;
          seen.add(to);
          const step = { topicId, from, to, before };
          if (to.count === lowest) return step;
          further.push(step);
        }
      }
    }
    const least = further.reduce<Step | undefined>(
      (best, step) => (best === undefined || step.to.count < best.to.count ? step : best),
      undefined,
    );
    if (least !== undefined && least.to.count + 2 <= giver.count) return least;
    reached = further;
  }
  return undefined;
}

function move({ topicId, from, to }: Step): void {
  const left = from.parts.get(topicId);
  const partition = left?.pop();
  if (left === undefined || partition === undefined) return;
  if (left.length === 0) from.parts.delete(topicId);
  from.count -= 1;
  give(to, topicId, partition);
}

function give(reader: Reader, topicId: string, partition: number): void {
  const known = reader.parts.get(topicId);
  if (known === undefined) reader.parts.set(topicId, [partition]);
  else known.push(partition);
  reader.count += 1;
}

function partOf(parts: ReadonlyMap<string, readonly number[]>): Assignment {
  return assignmentOf(
    [...parts].map(([topicId, partitions]): TopicPartitions => ({ topicId, partitions })),
  );
}
