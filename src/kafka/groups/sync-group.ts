/**
 * A member asks for its part (SyncGroup); the leader brings everyone's. Answers at once in a stable
 * group, else when the leader has assigned or the generation has ended.
 */
import type { KafkaErrorName } from "../error-codes.ts";
import type { Group, MemberClaim } from "./group.ts";
import { refusedSync, type SyncAnswer } from "./member.ts";
import { answerSync } from "./rebalance.ts";
import { Waiter } from "./waiter.ts";

export interface SyncRequest extends MemberClaim {
  readonly groupId: string;
  /** From version 5; null where the client does not say. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** The leader's; empty from everyone else. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export async function syncGroup(
  group: Group,
  request: SyncRequest,
  signal: AbortSignal,
): Promise<SyncAnswer> {
  const { members, rebalance } = group;
  const member = group.admit(request);
  if (typeof member === "string") return refusedSync(member);
  const refusal = refuse(group, request);
  if (refusal !== undefined) return refusedSync(refusal);
  members.touch(member);
  member.synced = true;
  if (rebalance.state === "Stable") return rebalance.syncAnswer(member);

  answerSync(member, refusedSync("REBALANCE_IN_PROGRESS"));
  const waiter = new Waiter<SyncAnswer>(signal, (gone) => {
    if (member.sync === gone) {
      member.sync = undefined;
      members.touch(member);
    }
    return refusedSync("REBALANCE_IN_PROGRESS");
  });
  member.sync = waiter;
  if (member.id === rebalance.leaderId) {
    rebalance.assign(
      // Copied: the request's buffer is used again.
      new Map(
        request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]),
      ),
    );
  }
  return waiter.answered;
}

function refuse(group: Group, request: SyncRequest): KafkaErrorName | undefined {
  const { rebalance, parts } = group;
  const { protocolType, protocolName, assignments } = request;
  if (protocolType !== null && protocolType !== rebalance.protocolType) {
    return "INCONSISTENT_GROUP_PROTOCOL";
  }
  if (protocolName !== null && protocolName !== rebalance.protocolName) {
    return "INCONSISTENT_GROUP_PROTOCOL";
  }
  if (rebalance.state === "PreparingRebalance") return "REBALANCE_IN_PROGRESS";
  const tooLarge = assignments.some(
    ({ assignment }) => assignment.length > parts.limits.assignmentBytesMax,
  );
  const bytes = assignments.reduce((sum, { assignment }) => sum + assignment.length, 0);
  return tooLarge || !parts.budget.hasRoom(0, bytes) ? "POLICY_VIOLATION" : undefined;
}
