/**
 * Puts a classic group back to where it was when the gateway stopped: its members heartbeat and commit
 * on in their generation, with their session time-outs counted from now. One that was on its way to its
 * next generation sends its members to the barrier again.
 */
import type { Group } from "./group.ts";
import type { GroupRecord } from "./group-record.ts";
import type { KeptGeneration, KeptMember } from "./kept-generation.ts";
import type { MemberTraits } from "./member.ts";

/**
 * Whether what is kept is of the group's last generation. It is not where a later one has begun, which
 * its members may have heard of; an earlier number is that of a newest segment that was lost.
 */
export function isCurrent(kept: KeptGeneration, record: GroupRecord): boolean {
  return kept.generation >= record.generation;
}

export function recordOf({ generation, protocolType }: KeptGeneration): GroupRecord {
  return { generation, protocolType, emptySinceMs: undefined };
}

export function restoreGroup(group: Group, kept: KeptGeneration): void {
  const { members, rebalance } = group;
  for (const known of kept.members) {
    const member = members.add(known.id, known.instanceId, traitsOf(known, kept.protocolType));
    member.assignment = known.assignment;
    member.fresh = false;
    member.synced = true;
    members.weigh(member);
  }
  rebalance.restore(kept.protocolName, kept.leaderId);
  if (kept.isRebalancing) rebalance.prepare("the gateway restarted in a rebalance");
}

function traitsOf(known: KeptMember, protocolType: string): MemberTraits {
  const { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = known;
  return { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols };
}
