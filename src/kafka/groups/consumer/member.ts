/** One member of a consumer group (KIP-848). Owner: its {@link ConsumerGroup}. */
import { type Assignment, countOf, NOTHING } from "./assignment.ts";
import type { Standing } from "./reconcile.ts";

/** What a member says of itself: all when it joins, later what has changed. */
export interface MemberTraits {
  /** Kept for those who describe the group; partitions are shared without regard to racks. */
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** How long it may take to give partitions back, in milliseconds. */
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Topics by name, also of such that do not exist yet. */
  readonly topicNames: readonly string[];
  /** Topics by regular expression, empty where there is none... */
  readonly pattern: string;
  /** ...and those that it named, of those that the member may look at. */
  readonly matched: readonly string[];
}

export interface ConsumerMember {
  /** The client's own word, from version 1 on (KIP-1082). */
  readonly id: string;
  /** Its lasting name, or null for a dynamic member. */
  readonly instanceId: string | null;
  traits: MemberTraits;
  standing: Standing;
  /** What it is to have in the end. */
  target: Assignment;
  /** The topics' version for which its pattern was looked up; -1 = not since the start. */
  matchedAt: number;
}

/** As a static member stands that has gone for a while, its place kept (KIP-848). */
export const AWAY_EPOCH = -2;

export const NEWCOMER: Standing = {
  state: "stable",
  epoch: 0,
  previousEpoch: 0,
  assigned: NOTHING,
  revoking: NOTHING,
};

export const AWAY: Standing = { ...NEWCOMER, epoch: AWAY_EPOCH, previousEpoch: AWAY_EPOCH };

const MEMBER_BYTES = 1024;
const PARTITION_BYTES = 16;
/** The name itself is the topic's. */
const MATCHED_NAME_BYTES = 8;

/** What a member takes of the memory, about. */
export function bytesOf({ traits, standing, target }: ConsumerMember): number {
  const { assigned, revoking } = standing;
  const partitions = countOf(assigned) + countOf(revoking) + countOf(target);
  return (
    MEMBER_BYTES +
    subscriptionBytes(traits.topicNames, traits.pattern) +
    traits.matched.length * MATCHED_NAME_BYTES +
    partitions * PARTITION_BYTES
  );
}

export function subscriptionBytes(topicNames: readonly string[], pattern: string): number {
  return topicNames.reduce((sum, name) => sum + name.length + PARTITION_BYTES, pattern.length);
}

export function saysTheSame(one: MemberTraits, other: MemberTraits): boolean {
  return (
    readsTheSame(one, other) &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.serverAssignor === other.serverAssignor
  );
}

/** Whether both read the same topics, so that nothing need be shared anew. */
export function readsTheSame(one: MemberTraits, other: MemberTraits): boolean {
  return (
    one.pattern === other.pattern &&
    isSameList(one.topicNames, other.topicNames) &&
    isSameList(one.matched, other.matched)
  );
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
