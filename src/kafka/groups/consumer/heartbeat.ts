/**
 * A heartbeat of a member in its group: it joins, says what has changed, gives partitions back and
 * gets others, or leaves. Synchronous; the caller saves the group before it answers.
 *
 * Source: KIP-848, and Kafka's `GroupMetadataManager.consumerGroupHeartbeat`.
 */
import { KafkaRefusal } from "../../kafka-refusal.ts";
import { type Assignment, assignmentOf, isSame, isSubset } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type HeartbeatRequest, isWhole, JOIN_EPOCH } from "./heartbeat-request.ts";
import {
  AWAY_EPOCH,
  type ConsumerMember,
  type MemberTraits,
  readsTheSame,
  saysTheSame,
} from "./member.ts";

export interface Beat {
  readonly request: HeartbeatRequest;
  readonly clientId: string;
  readonly clientHost: string;
  /** The topics that the member's pattern names now, where it has one that was looked up. */
  readonly matched: Matched | undefined;
  readonly topicsVersion: number;
  /** @throws KafkaRefusal where no further member may be taken in, or `known` may say no more */
  readonly admit: (
    group: ConsumerGroup,
    traits: MemberTraits,
    known: ConsumerMember | undefined,
  ) => void;
}

export interface Matched {
  readonly pattern: string;
  readonly names: readonly string[];
  /** The topics' version that it was looked up at. */
  readonly version: number;
}

export interface Beaten {
  readonly member: ConsumerMember;
  /** What the member must be told that it has; null where it knows. */
  readonly assignment: Assignment | null;
}

/** @throws KafkaRefusal UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, and more of a static member */
export function beat(group: ConsumerGroup, memberId: string, told: Beat): Beaten {
  const { request } = told;
  const owned = request.owned === null ? null : assignmentOf(request.owned);
  const known = find(group, memberId, request);
  if (known !== undefined) checkEpoch(known, request.epoch, owned);
  const traits = traitsAfter(known?.traits, told);
  const isNew = known === undefined;
  told.admit(group, traits, known);
  const member = known ?? group.add(memberId, request.instanceId, traits);
  const before = member.standing.assigned;
  const reads = isNew || !readsTheSame(member.traits, traits);
  if (!saysTheSame(member.traits, traits) || reads) group.setTraits(member, traits);
  if (told.matched?.pattern === traits.pattern) member.matchedAt = told.matched.version;
  group.touch(member);
  group.share(reads, told.topicsVersion);
  group.reconcile(member, owned);
  const { assigned } = member.standing;
  return { member, assignment: isWhole(request) || !isSame(before, assigned) ? assigned : null };
}

/** @throws KafkaRefusal UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export function leave(group: ConsumerGroup, request: HeartbeatRequest): void {
  const member = resident(group, request.memberId, request.instanceId);
  if (request.epoch === AWAY_EPOCH) group.setAway(member);
  else group.remove(member);
}

/** The member that the request is from; undefined where it is a new one. */
function find(
  group: ConsumerGroup,
  memberId: string,
  { epoch, instanceId }: HeartbeatRequest,
): ConsumerMember | undefined {
  if (epoch !== JOIN_EPOCH) return resident(group, memberId, instanceId);
  if (instanceId === null) return group.member(memberId);
  const holder = group.holderOf(instanceId);
  if (holder === undefined) {
    if (group.member(memberId) === undefined) return undefined;
    throw new KafkaRefusal("UNKNOWN_MEMBER_ID", `Member ${memberId} has no instance id.`);
  }
  if (holder.standing.epoch === AWAY_EPOCH) {
    const named = group.member(memberId);
    if (named === undefined || named === holder) return group.replace(holder, memberId);
    throw new KafkaRefusal("UNKNOWN_MEMBER_ID", `Member ${memberId} is not ${instanceId}.`);
  }
  if (holder.id === memberId) return holder;
  const message = `Instance ${instanceId} is still in the group, as ${holder.id}: stop that one, or wait until its session ends.`;
  throw new KafkaRefusal("UNRELEASED_INSTANCE_ID", message);
}

function resident(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  const member = instanceId === null ? group.member(memberId) : group.holderOf(instanceId);
  if (member === undefined) {
    const message = `Member ${instanceId ?? memberId} is not in the group: join it again.`;
    throw new KafkaRefusal("UNKNOWN_MEMBER_ID", message);
  }
  if (member.id === memberId) return member;
  const message = `Instance ${instanceId} has come back as member ${member.id}.`;
  throw new KafkaRefusal("FENCED_INSTANCE_ID", message);
}

/**
 * A member is fenced unless it is in its epoch; in the one before, where the answer that told it of
 * the newer one may have been lost, and it holds nothing that it should not; or joins again.
 */
function checkEpoch({ standing }: ConsumerMember, epoch: number, owned: Assignment | null): void {
  if (epoch === standing.epoch || epoch === JOIN_EPOCH) return;
  const isOneBehind = epoch === standing.previousEpoch;
  if (isOneBehind && owned !== null && isSubset(owned, standing.assigned)) return;
  const message = `The member is in epoch ${standing.epoch}, not in ${epoch}: it must give up all its partitions, and join again.`;
  throw new KafkaRefusal("FENCED_MEMBER_EPOCH", message);
}

function traitsAfter(before: MemberTraits | undefined, told: Beat): MemberTraits {
  const { request, clientId, clientHost, matched } = told;
  const pattern = request.pattern ?? before?.pattern ?? "";
  const stillMatched = before?.pattern === pattern ? before.matched : [];
  const { rebalanceTimeoutMs } = request;
  return {
    clientId,
    clientHost,
    pattern,
    matched: matched?.pattern === pattern ? matched.names : stillMatched,
    rackId: request.rackId ?? before?.rackId ?? null,
    serverAssignor: request.serverAssignor ?? before?.serverAssignor ?? null,
    topicNames: distinct(request.topicNames) ?? before?.topicNames ?? [],
    rebalanceTimeoutMs:
      rebalanceTimeoutMs === -1 ? (before?.rebalanceTimeoutMs ?? 0) : rebalanceTimeoutMs,
  };
}

/** In order, so that the same names in another order are no change. */
function distinct(names: readonly string[] | null): readonly string[] | undefined {
  return names === null ? undefined : [...new Set(names)].sort();
}
