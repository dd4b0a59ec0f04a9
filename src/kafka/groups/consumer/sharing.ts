/**
 * What a group reads, of the topics that there are, and how it is shared among its members. Pure but
 * for looking at the log.
 */
import { createHash } from "node:crypto";
import type { Log } from "../../../log/contract.ts";
import type { Assignment } from "./assignment.ts";
import type { Assignor } from "./assignor.ts";
import type { ConsumerMember, MemberTraits } from "./member.ts";

export interface Shared {
  /** What each member is to have, by its id. */
  readonly targets: ReadonlyMap<string, Assignment>;
  readonly topicsHash: string;
}

interface ReadTopic {
  readonly id: string;
  readonly partitions: number;
}

const HASH_CHARS = 32;

export function shareOut(log: Log, members: readonly ConsumerMember[], assignor: Assignor): Shared {
  const assigning = members.map(({ id, traits, target }) => ({
    id,
    topicIds: [...topicsOf(log, traits).values()].map((topic) => topic.id),
    before: target,
  }));
  const topics = topicsRead(log, members);
  const counts = new Map(topics.map(({ id, partitions }) => [id, partitions]));
  return { targets: assignor.assign(assigning, counts), topicsHash: hashOf(topics) };
}

/**
 * Changes whenever a topic that any of the members reads is created, deleted, made anew or given
 * partitions; survives a restart.
 */
export function topicsHashOf(log: Log, members: readonly ConsumerMember[]): string {
  return hashOf(topicsRead(log, members));
}

function hashOf(topics: readonly ReadTopic[]): string {
  const hash = createHash("sha256");
  for (const { id, partitions } of topics) hash.update(`${id}/${partitions}\n`);
  return hash.digest("hex").slice(0, HASH_CHARS);
}

/** All topics that any of them reads, in order of their names. */
function topicsRead(log: Log, members: readonly ConsumerMember[]): ReadTopic[] {
  const topics = new Map(members.flatMap(({ traits }) => [...topicsOf(log, traits)]));
  return [...topics].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, topic]) => topic);
}

/** The topics that a member reads, by name; those that do not exist are left out. */
function topicsOf(log: Log, { topicNames, matched }: MemberTraits): Map<string, ReadTopic> {
  const found = new Map<string, ReadTopic>();
  for (const name of [...topicNames, ...matched]) {
    const topic = log.topic(name);
    if (topic !== undefined) found.set(name, { id: topic.id, partitions: topic.partitions.length });
  }
  return found;
}
