/**
 * One consumer group: its members and its rebalance, and what every request checks of them. The
 * larger requests stand beside it (`join-group.ts`, `sync-group.ts`, `leave-group.ts`).
 *
 * Everything here is synchronous between a request and its effect; only answers are waited for.
 */
import type { KafkaErrorName } from "../error-codes.ts";
import type { GenerationKeeper } from "./generation-keeper.ts";
import type { GroupRecord } from "./group-record.ts";
import { generationOf } from "./kept-generation.ts";
import { type Member, refusedJoin, refusedSync } from "./member.ts";
import type { MemberBudget } from "./member-budget.ts";
import { Membership } from "./membership.ts";
import {
  answerJoin,
  answerSync,
  type GroupState,
  Rebalance,
  type RebalanceParts,
} from "./rebalance.ts";

export interface GroupParts extends Omit<RebalanceParts, "keep"> {
  readonly keeper: GenerationKeeper;
  readonly budget: MemberBudget;
  /** A part of a member id that no other member ever had. */
  readonly newId: () => string;
}

/** Whom a request claims to come from. */
export interface MemberClaim {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
  /** Of OffsetCommit, where it is one: what it may be told depends on it. */
  readonly version?: number;
}

export const NEW_GROUP: GroupRecord = {
  generation: 0,
  protocolType: "",
  emptySinceMs: undefined,
};

export class Group {
  readonly kind = "classic";
  readonly id: string;
  readonly parts: GroupParts;
  readonly members: Membership;
  readonly rebalance: Rebalance;
  /** Commits on their way to the disk: the group must not be forgotten under them. */
  commitsInFlight = 0;

  constructor(parts: GroupParts, record: GroupRecord) {
    this.id = parts.groupId;
    this.parts = parts;
    this.members = new Membership(parts, {
      memberSilent: (member) => this.remove(member, `member ${member.id} was silent for too long`),
      pendingExpired: () => this.rebalance.openWhenAllJoined(),
    });
    const keep = () => this.keep();
    this.rebalance = new Rebalance({ ...parts, keep }, this.members, record);
  }

  get state(): GroupState {
    return this.rebalance.state;
  }

  get memberCount(): number {
    return this.members.size;
  }

  /** Wall clock, in milliseconds, of when the last member left; undefined while there are any. */
  get emptySinceMs(): number | undefined {
    return this.rebalance.emptySinceMs;
  }

  /** Nobody is in it, or is coming. */
  get isEmpty(): boolean {
    return this.rebalance.state === "Empty" && this.members.pendingCount === 0;
  }

  /** Nobody is committing either: it may be deleted, or expire. */
  get isIdle(): boolean {
    return this.isEmpty && this.commitsInFlight === 0;
  }

  /** The member of the current generation that `claim` means, or why there is none. */
  admit(claim: MemberClaim): Member | KafkaErrorName {
    const member = this.members.resolve(claim.memberId, claim.instanceId);
    if (typeof member === "string") return member;
    return claim.generation === this.rebalance.generation ? member : "ILLEGAL_GENERATION";
  }

  heartbeat(claim: MemberClaim): KafkaErrorName {
    const member = this.admit(claim);
    if (typeof member === "string") return member;
    this.members.touch(member);
    return this.rebalance.state === "PreparingRebalance" ? "REBALANCE_IN_PROGRESS" : "NONE";
  }

  /**
   * Whether `claim` may commit offsets. A client that manages its partitions itself commits with
   * generation -1 while the group is empty; a member may also commit while the group prepares a
   * rebalance, which is how it hands its partitions on.
   */
  mayCommit(claim: MemberClaim): KafkaErrorName {
    const anonymous = claim.generation < 0 && claim.memberId === "" && claim.instanceId === null;
    if (this.rebalance.state === "Empty" && claim.generation < 0) return "NONE";
    if (anonymous) return "UNKNOWN_MEMBER_ID";
    const member = this.admit(claim);
    if (typeof member === "string") return member;
    this.members.touch(member);
    return this.rebalance.state === "CompletingRebalance" ? "REBALANCE_IN_PROGRESS" : "NONE";
  }

  /**
   * The same for a transactional producer, which may be told of no member (before KIP-447): its own
   * epoch fences it then. One that names a member must be of the current generation.
   */
  mayCommitInTransaction(claim: MemberClaim): KafkaErrorName {
    const anonymous = claim.generation < 0 && claim.memberId === "" && claim.instanceId === null;
    if (anonymous) return "NONE";
    const member = this.admit(claim);
    if (typeof member === "string") return member;
    this.members.touch(member);
    return "NONE";
  }

  /** Writes who is in it, and what they do, now; false where that is too much to be kept. */
  keep(): Promise<boolean> {
    return this.parts.keeper.keep(this.id, generationOf(this));
  }

  /** Takes `member` out, tells it so where it waits, and has its work shared anew. */
  remove(member: Member, reason: string): void {
    this.members.remove(member);
    answerJoin(member, refusedJoin("UNKNOWN_MEMBER_ID"));
    answerSync(member, refusedSync("UNKNOWN_MEMBER_ID"));
    this.rebalance.memberLeft(reason);
  }

  /** Ends the group: timers stop, all that wait are told `error`. */
  die(error: "COORDINATOR_NOT_AVAILABLE" | "UNKNOWN_MEMBER_ID"): void {
    this.rebalance.die(error);
    this.members.close();
  }
}
