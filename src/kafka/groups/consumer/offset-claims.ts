/**
 * Who may commit the offsets of a consumer group, and see them: its members in their epochs, and
 * anybody where nobody can be harmed by it. As Kafka's `ConsumerGroup` has it.
 */
import type { KafkaErrorName } from "../../error-codes.ts";
import type { MemberClaim } from "../group.ts";
import type { ConsumerGroup } from "./consumer-group.ts";

/** The first version of OffsetCommit whose clients know of epochs. */
const EPOCHS_VERSION = 9;

export function mayCommit(group: ConsumerGroup, claim: MemberClaim): KafkaErrorName {
  const { generation, memberId, instanceId, version } = claim;
  if (generation < 0 && group.isEmpty) return "NONE";
  // In a transaction a producer need not say for which member it commits.
  const isTransactional = version === undefined;
  if (isTransactional && generation < 0 && memberId === "" && instanceId === null) return "NONE";
  const member = group.member(memberId);
  if (member === undefined) return "UNKNOWN_MEMBER_ID";
  if (version !== undefined && version < EPOCHS_VERSION) return "UNSUPPORTED_VERSION";
  if (generation === member.standing.epoch) return "NONE";
  return isTransactional ? "ILLEGAL_GENERATION" : "STALE_MEMBER_EPOCH";
}

/** `memberId` null: somebody who does not say who he is. */
export function mayFetch(
  group: ConsumerGroup,
  memberId: string | null,
  epoch: number,
): KafkaErrorName {
  if (memberId === null && epoch < 0) return "NONE";
  const member = group.member(memberId ?? "");
  if (member === undefined) return "UNKNOWN_MEMBER_ID";
  return member.standing.epoch === epoch ? "NONE" : "STALE_MEMBER_EPOCH";
}
