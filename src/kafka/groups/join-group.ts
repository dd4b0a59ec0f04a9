/**
 * A member comes, or comes back (JoinGroup). Answers when the join barrier opens; at once where the
 * member is refused, must use an id (KIP-394), or is told again of a generation it knows.
 *
 * Source: Apache Kafka, `GroupMetadataManager.classicGroupJoin`; static members: KIP-345, KIP-814.
 */
import { isTributaryError } from "../../base/errors.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import type { Group } from "./group.ts";
import {
  bytesOf,
  type JoinAnswer,
  type Member,
  type MemberTraits,
  refusedJoin,
  refusedSync,
  saysTheSame,
} from "./member.ts";
import { isCompatible } from "./protocol-selection.ts";
import { answerJoin, answerSync } from "./rebalance.ts";
import { Waiter } from "./waiter.ts";

export interface JoinRequest extends MemberTraits {
  readonly groupId: string;
  /** Empty where the client has none yet. */
  readonly memberId: string;
  readonly instanceId: string | null;
  /** From version 4 a dynamic member is given an id first, and joins with it. */
  readonly requiresKnownId: boolean;
  /** From version 9 a returning static leader is told to leave the assignment as it is. */
  readonly knowsSkipAssignment: boolean;
}

export async function joinGroup(
  group: Group,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<JoinAnswer> {
  const refusal = refuse(group, request);
  if (refusal !== undefined) return refusedJoin(refusal, request.memberId);
  if (request.memberId === "") return joinWithoutId(group, request, signal);
  if (request.instanceId === null && group.members.takePending(request.memberId)) {
    return waitAtBarrier(
      group,
      addMember(group, request.memberId, request),
      signal,
      "a member came",
    );
  }
  const member = group.members.resolve(request.memberId, request.instanceId);
  if (typeof member === "string") return refusedJoin(member, request.memberId);
  return rejoin(group, member, request, signal);
}

function refuse(group: Group, request: JoinRequest): KafkaErrorName | undefined {
  const { members, rebalance, parts } = group;
  const known =
    members.get(request.memberId) ??
    (request.instanceId === null ? undefined : members.holderOf(request.instanceId));
  const others = members.all().filter((member) => member !== known);
  if (request.protocolType === "" || request.protocols.length === 0) {
    return "INCONSISTENT_GROUP_PROTOCOL";
  }
  if (rebalance.state !== "Empty" && others.length > 0) {
    if (request.protocolType !== rebalanceType(group)) return "INCONSISTENT_GROUP_PROTOCOL";
    const names = others.map(({ traits }) => traits.protocols.map(({ name }) => name));
    const offered = request.protocols.map(({ name }) => name);
    if (!isCompatible(names, offered)) return "INCONSISTENT_GROUP_PROTOCOL";
  }
  // An id that was handed out has its place already; whoever uses it is counted once.
  const isExpected = known !== undefined || request.memberId !== "";
  const count = members.size + members.pendingCount;
  if (!isExpected && count >= parts.limits.membersMax) return "GROUP_MAX_SIZE_REACHED";
  const more = known === undefined && !members.isPending(request.memberId) ? 1 : 0;
  if (!parts.budget.hasRoom(more, bytesOf(request) - (known?.bytes ?? 0))) {
    return "GROUP_MAX_SIZE_REACHED";
  }
  return undefined;
}

/** What the members present are: before a first generation, no record says so. */
function rebalanceType(group: Group): string {
  return group.members.all()[0]?.traits.protocolType ?? group.rebalance.protocolType;
}

async function joinWithoutId(
  group: Group,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<JoinAnswer> {
  const { members, parts } = group;
  if (request.instanceId !== null) {
    const id = `${request.instanceId}-${parts.newId()}`;
    const holder = members.holderOf(request.instanceId);
    if (holder !== undefined) return replaceStatic(group, holder, id, request, signal);
    return waitAtBarrier(group, addMember(group, id, request), signal, "a static member came");
  }
  const id = `${request.clientId || "member"}-${parts.newId()}`;
  if (request.requiresKnownId) {
    members.addPending(id, request.sessionTimeoutMs);
    return refusedJoin("MEMBER_ID_REQUIRED", id);
  }
  return waitAtBarrier(group, addMember(group, id, request), signal, "a member came");
}

function rejoin(
  group: Group,
  member: Member,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<JoinAnswer> | JoinAnswer {
  const { members, rebalance } = group;
  const changed = !saysTheSame(member, request.protocols);
  // Its answer was lost: it is told the same again. In a stable group the leader joins only to
  // have the work shared anew, so for the leader it is a rebalance.
  const repeats =
    !changed &&
    (rebalance.state === "CompletingRebalance" ||
      (rebalance.state === "Stable" && member.id !== rebalance.leaderId));
  members.update(member, traitsOf(request));
  if (repeats) return rebalance.joinAnswerWhenBegun(member);
  return waitAtBarrier(group, member, signal, changed ? "a member changed" : "its leader asked");
}

/** A static member's process came back: it keeps its place, under a new id. */
function replaceStatic(
  group: Group,
  member: Member,
  id: string,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<JoinAnswer> | JoinAnswer {
  const { members, rebalance } = group;
  const formerId = member.id;
  const formerLeaderId = rebalance.leaderId;
  answerJoin(member, refusedJoin("FENCED_INSTANCE_ID", formerId));
  answerSync(member, refusedSync("FENCED_INSTANCE_ID"));
  members.rename(member, id);
  rebalance.memberRenamed(formerId, id);
  members.update(member, traitsOf(request));
  if (rebalance.state !== "Stable" || rebalance.nextProtocolName() !== rebalance.protocolName) {
    return waitAtBarrier(group, member, signal, "a static member came back");
  }
  const answer = rebalance.joinAnswer(member);
  return whenKept(
    group,
    request.knowsSkipAssignment
      ? { ...answer, skipAssignment: id === rebalance.leaderId }
      : // An older client that hears it leads would assign, and nobody would listen: it follows.
        { ...answer, leaderId: formerLeaderId ?? "", members: [] },
  );
}

/**
 * Were a static member told of its new id, and the one before stood on the disk, then a restart would
 * fence it off, which clients take for their end.
 */
async function whenKept(group: Group, answer: JoinAnswer): Promise<JoinAnswer> {
  try {
    await group.keep();
    return answer;
  } catch (error) {
    if (!isTributaryError(error)) throw error;
    return refusedJoin("COORDINATOR_NOT_AVAILABLE");
  }
}

function addMember(group: Group, id: string, request: JoinRequest): Member {
  return group.members.add(id, request.instanceId, traitsOf(request));
}

function waitAtBarrier(
  group: Group,
  member: Member,
  signal: AbortSignal,
  reason: string,
): Promise<JoinAnswer> {
  // A second request of the same member takes the place of the first, which nobody reads any more.
  answerJoin(member, refusedJoin("REBALANCE_IN_PROGRESS", member.id));
  const waiter = new Waiter<JoinAnswer>(signal, (gone) => {
    if (member.join === gone) {
      member.join = undefined;
      group.members.touch(member);
      // It never heard of its place, so it cannot come back to it.
      if (member.fresh && member.instanceId === null) group.remove(member, "a newcomer hung up");
    }
    return refusedJoin("REBALANCE_IN_PROGRESS", member.id);
  });
  member.join = waiter;
  group.rebalance.prepare(reason);
  return waiter.answered;
}

function traitsOf(request: JoinRequest): MemberTraits {
  return {
    clientId: request.clientId,
    clientHost: request.clientHost,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    // The request's buffer is large and is used again: what stays is copied.
    protocols: request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    })),
  };
}
