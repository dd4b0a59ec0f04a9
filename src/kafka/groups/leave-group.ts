/** Members go of their own accord (LeaveGroup), or an operator takes static ones out (KIP-345). */
import type { KafkaErrorName } from "../error-codes.ts";
import type { Group } from "./group.ts";

export interface LeavingMember {
  /** Empty where only the static name is known, as from Kafka's admin tools. */
  readonly memberId: string;
  readonly instanceId: string | null;
}

export function leaveGroup(group: Group, leaving: LeavingMember): KafkaErrorName {
  const { members, rebalance } = group;
  const { memberId, instanceId } = leaving;
  if (instanceId === null && members.takePending(memberId)) {
    rebalance.openWhenAllJoined();
    return "NONE";
  }
  const member =
    memberId === "" && instanceId !== null
      ? (members.holderOf(instanceId) ?? "UNKNOWN_MEMBER_ID")
      : members.resolve(memberId, instanceId);
  if (typeof member === "string") return member;
  group.remove(member, `member ${member.id} left`);
  return "NONE";
}
