/** What a group reads, of the topics that there are. Pure but for looking at the log. */
import { createHash } from "node:crypto";
import type { Log } from "../../../log/contract.ts";
import type { MemberTraits } from "./member.ts";

export interface ReadTopic {
  readonly id: string;
  readonly partitions: number;
}

const HASH_CHARS = 32;

/** The topics that a member reads, by name; those that do not exist are left out. */
export function topicsOf(log: Log, { topicNames, matched }: MemberTraits): Map<string, ReadTopic> {
  const found = new Map<string, ReadTopic>();
  for (const name of [...topicNames, ...matched].sort()) {
    const topic = log.topic(name);
    if (topic !== undefined) found.set(name, { id: topic.id, partitions: topic.partitions.length });
  }
  return found;
}

/**
 * Changes whenever a topic that any of the members reads is created, deleted, made anew or given
 * partitions; survives a restart.
 */
export function hashOf(topics: ReadonlyMap<string, ReadTopic>): string {
  const hash = createHash("sha256");
  for (const name of [...topics.keys()].sort()) {
    const topic = topics.get(name);
    hash.update(`${topic?.id}/${topic?.partitions}\n`);
  }
  return hash.digest("hex").slice(0, HASH_CHARS);
}
