/**
 * Sets of partitions, by topic id. Pure.
 *
 * Invariant: partitions stand in order and once each, and no topic stands there without any.
 */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/** As it stands in requests, in answers and on the disk. */
export interface TopicPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

export const NOTHING: Assignment = new Map();

/** Takes what others wrote: in any order, and the same partition perhaps more than once. */
export function assignmentOf(listed: readonly TopicPartitions[]): Assignment {
  const sets = new Map<string, Set<number>>();
  for (const { topicId, partitions } of listed) {
    const known = sets.get(topicId) ?? new Set();
    for (const partition of partitions) known.add(partition);
    sets.set(topicId, known);
  }
  return collect([...sets].map(([topicId, partitions]) => [topicId, [...partitions]]));
}

export function listed(assignment: Assignment): TopicPartitions[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions }));
}

export function countOf(assignment: Assignment): number {
  let count = 0;
  for (const partitions of assignment.values()) count += partitions.length;
  return count;
}

export function union(one: Assignment, other: Assignment): Assignment {
  if (one.size === 0) return other;
  if (other.size === 0) return one;
  return assignmentOf([...listed(one), ...listed(other)]);
}

/** Those of `from` that are in `kept` as well. */
export function intersection(from: Assignment, kept: Assignment): Assignment {
  return filter(from, membership(kept, true));
}

/** Those of `from` that are not in `taken`. */
export function difference(from: Assignment, taken: Assignment): Assignment {
  return filter(from, membership(taken, false));
}

export function filter(
  from: Assignment,
  keeps: (topicId: string, partition: number) => boolean,
): Assignment {
  return collect(
    [...from].map(([topicId, partitions]) => [
      topicId,
      partitions.filter((partition) => keeps(topicId, partition)),
    ]),
  );
}

export function isSubset(part: Assignment, whole: Assignment): boolean {
  return difference(part, whole).size === 0;
}

export function isSame(one: Assignment, other: Assignment): boolean {
  if (one.size !== other.size) return false;
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId);
    if (others?.length !== partitions.length) return false;
    if (partitions.some((partition, at) => partition !== others[at])) return false;
  }
  return true;
}

function membership(assignment: Assignment, expected: boolean) {
  const sets = new Map([...assignment].map(([topicId, all]) => [topicId, new Set(all)]));
  return (topicId: string, partition: number) =>
    (sets.get(topicId)?.has(partition) ?? false) === expected;
}

function collect(entries: readonly (readonly [string, number[]])[]): Assignment {
  const some = entries.filter(([, partitions]) => partitions.length > 0);
  return new Map(some.map(([id, all]) => [id, all.sort((one, other) => one - other)]));
}
