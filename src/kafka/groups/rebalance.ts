/**
 * How a group gets from one generation to the next: the state, the barrier at which its members
 * meet, the leader, the protocol, and the leader's assignments.
 *
 *     Empty --> PreparingRebalance --> CompletingRebalance --> Stable
 *       ^______________|  ^__________________|__________________|      (any) --> Dead
 *
 *  - Preparing: members join, and wait. An empty group gathers for `initialRebalanceDelayMs`, and
 *    for as long again while more come; any other waits until every member has joined, at most for
 *    the longest rebalance time-out among them. Who has not come by then is out (unless static).
 *  - Completing: all have their generation, the leader has the list; it assigns, the others wait.
 *    Who does not ask for its assignment within the rebalance time-out is out (KAFKA-13435).
 *
 * Invariants: a generation is answered only when its number is on disk, and numbers never go back;
 * where one cannot be written, its generation is over, and all are sent to the barrier again. Members
 * wait at the barrier only in Preparing, for their assignment only in Completing. An assignment is
 * answered when it is on disk, or cannot be kept; who then is out is known to be so after a restart.
 *
 * Source: Apache Kafka, `GroupCoordinator` and `ClassicGroup`.
 */
import type { Clock } from "../../base/clock.ts";
import { assert, isTributaryError, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { RateLimitedWarnings } from "../../base/rate-limited-warnings.ts";
import type { CancelTimer, Timers } from "../../base/timers.ts";
import type { GroupRecord } from "./group-record.ts";
import type { GroupLimits } from "./limits.ts";
import {
  type JoinAnswer,
  type Member,
  metadataFor,
  NO_ASSIGNMENT,
  refusedJoin,
  refusedSync,
  type SyncAnswer,
} from "./member.ts";
import type { Membership } from "./membership.ts";
import { selectProtocol } from "./protocol-selection.ts";

/** As DescribeGroups and ListGroups spell them. */
export const GROUP_STATES = [
  "Empty",
  "PreparingRebalance",
  "CompletingRebalance",
  "Stable",
  "Dead",
] as const;
export type GroupState = (typeof GROUP_STATES)[number];

export interface RebalanceParts {
  readonly groupId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits: GroupLimits;
  readonly logger: Logger;
  /** Writes what must outlive the process; resolves when it is on disk. */
  readonly save: (record: GroupRecord) => Promise<void>;
  /**
   * The same for who is in the group, and what they do; false where that is too much to be kept.
   * Says itself what goes wrong.
   */
  readonly keep: () => Promise<boolean>;
  /** Of what goes wrong each time that clients try again. */
  readonly warnings: RateLimitedWarnings;
}

export class Rebalance {
  readonly #parts: RebalanceParts;
  readonly #members: Membership;
  #state: GroupState = "Empty";
  #record: GroupRecord;
  #protocolName: string | null = null;
  #leaderId: string | null = null;
  /** Whether the barrier opens by time alone (an empty group's first members) or when all are in. */
  #gathering = false;
  #newcomers = false;
  /** Whether the number of the generation that began last came to be on the disk. */
  #begun: Promise<boolean> = Promise.resolve(true);
  #cancelTimer: CancelTimer = () => {};

  constructor(parts: RebalanceParts, members: Membership, record: GroupRecord) {
    this.#parts = parts;
    this.#members = members;
    this.#record = record;
  }

  get state(): GroupState {
    return this.#state;
  }

  get generation(): number {
    return this.#record.generation;
  }

  /** `consumer`, `connect`, ...; empty for a group that has only ever committed offsets. */
  get protocolType(): string {
    return this.#record.protocolType;
  }

  get protocolName(): string | null {
    return this.#protocolName;
  }

  get leaderId(): string | null {
    return this.#leaderId;
  }

  /** Wall clock, in milliseconds, of when the last member left; undefined while there are any. */
  get emptySinceMs(): number | undefined {
    return this.#record.emptySinceMs;
  }

  /** What the next generation would use, were it to begin now. */
  nextProtocolName(): string {
    return selectProtocol(
      this.#members.all().map(({ traits }) => traits.protocols.map(({ name }) => name)),
    );
  }

  /** Sends everyone back to the barrier; where they already are on their way, sees who is in. */
  prepare(reason: string): void {
    assert(this.#state !== "Dead", "a dead group rebalances");
    if (this.#state === "PreparingRebalance") {
      this.#newcomers = true;
      this.openWhenAllJoined();
      return;
    }
    this.#parts.logger.debug(
      { group: this.#parts.groupId, generation: this.generation, reason },
      "The group rebalances",
    );
    for (const member of this.#members.all()) {
      member.assignment = NO_ASSIGNMENT;
      this.#members.weigh(member);
      answerSync(member, refusedSync("REBALANCE_IN_PROGRESS"));
    }
    const wasEmpty = this.#state === "Empty";
    this.#state = "PreparingRebalance";
    if (wasEmpty && this.#parts.limits.initialRebalanceDelayMs > 0) {
      this.#gather(this.#rebalanceTimeoutMs());
    } else {
      this.#waitForAll();
    }
  }

  /** Opens the barrier where nobody is missing any more. */
  openWhenAllJoined(): void {
    if (this.#state !== "PreparingRebalance" || this.#gathering) return;
    if (this.#members.pendingCount > 0) return;
    if (this.#members.all().every(({ join }) => join !== undefined)) this.#open();
  }

  /** A member is no longer in the group: its work must go to others. */
  memberLeft(reason: string): void {
    if (this.#state === "PreparingRebalance") this.openWhenAllJoined();
    else if (this.#state === "CompletingRebalance" || this.#state === "Stable") {
      this.prepare(reason);
    }
    this.#parts.keep().catch(() => {});
  }

  /** A static member came back under another id. */
  memberRenamed(before: string, now: string): void {
    if (this.#leaderId === before) this.#leaderId = now;
  }

  /** Goes on in the generation that stood on the disk at the start. */
  restore(protocolName: string | null, leaderId: string | null): void {
    assert(this.#state === "Empty", `a generation is restored in state ${this.#state}`);
    this.#state = "Stable";
    this.#protocolName = protocolName;
    this.#leaderId = leaderId;
  }

  /** The leader has assigned: all that wait, and all that ask later, get their part. */
  assign(assignments: ReadonlyMap<string, Buffer>): void {
    assert(this.#state === "CompletingRebalance", `an assignment came in state ${this.#state}`);
    this.#state = "Stable";
    const owed: (() => void)[] = [];
    for (const member of this.#members.all()) {
      member.assignment = assignments.get(member.id) ?? NO_ASSIGNMENT;
      this.#members.weigh(member);
      const { sync } = member;
      if (sync === undefined) continue;
      this.#members.touch(member);
      member.sync = undefined;
      const answer = this.syncAnswer(member);
      owed.push(() => sync.answer(answer));
    }
    const answerAll = () => {
      for (const answer of owed) answer();
    };
    // A generation that is not kept is served all the same: a restart will have it rebalance.
    this.#parts.keep().then(answerAll, answerAll);
  }

  syncAnswer(member: Member): SyncAnswer {
    return {
      error: "NONE",
      protocolType: this.protocolType,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    };
  }

  /** The same as {@link joinAnswer} gives, as soon as the generation is on the disk. */
  async joinAnswerWhenBegun(member: Member): Promise<JoinAnswer> {
    const answer = this.joinAnswer(member);
    if (await this.#begun) return answer;
    return refusedJoin("COORDINATOR_NOT_AVAILABLE", answer.memberId);
  }

  /** The current generation as `member` is told of it; the list of members is the leader's alone. */
  joinAnswer(member: Member): JoinAnswer {
    const leads = member.id === this.#leaderId;
    return {
      error: "NONE",
      generation: this.generation,
      protocolType: this.protocolType,
      protocolName: this.#protocolName,
      leaderId: this.#leaderId ?? "",
      skipAssignment: false,
      memberId: member.id,
      members: leads ? this.#joinedMembers() : [],
    };
  }

  /** The end of the group. All that wait are told `error`. */
  die(error: "COORDINATOR_NOT_AVAILABLE" | "UNKNOWN_MEMBER_ID"): void {
    this.#state = "Dead";
    this.#cancelTimer();
    for (const member of this.#members.all()) {
      answerJoin(member, refusedJoin(error));
      answerSync(member, refusedSync(error));
    }
  }

  #gather(leftMs: number): void {
    const delayMs = Math.min(this.#parts.limits.initialRebalanceDelayMs, leftMs);
    this.#gathering = true;
    this.#newcomers = false;
    this.#startTimer(delayMs, () => {
      if (this.#newcomers && leftMs > delayMs) this.#gather(leftMs - delayMs);
      else this.#open();
    });
  }

  #waitForAll(): void {
    this.#gathering = false;
    this.#startTimer(this.#rebalanceTimeoutMs(), () => this.#open());
    this.openWhenAllJoined();
  }

  /** The barrier opens, for those who have come. */
  #open(): void {
    this.#cancelTimer();
    this.#gathering = false;
    for (const member of this.#members.all()) {
      if (member.join === undefined && member.instanceId === null) this.#members.remove(member);
    }
    if (this.#members.size === 0) this.#becomeEmpty();
    else if (this.#electLeader()) this.#beginGeneration();
    else this.#waitForAll();
  }

  #becomeEmpty(): void {
    this.#state = "Empty";
    this.#protocolName = null;
    this.#leaderId = null;
    const { groupId, clock, warnings, save } = this.#parts;
    this.#record = {
      generation: this.generation + 1,
      protocolType: this.protocolType,
      emptySinceMs: clock.nowMs(),
    };
    // Nobody waits for this one, and the number stands in memory: the next one is written over it.
    save(this.#record).catch((error: unknown) => {
      const fields = { group: groupId, reason: messageOf(error) };
      warnings.warn("empty", fields, "An empty group was not written");
    });
    this.#parts.keep().catch(() => {});
  }

  /** The old leader where it has come, else the first who has; false where nobody has. */
  #electLeader(): boolean {
    const present = this.#members.all().filter(({ join }) => join !== undefined);
    if (present.some(({ id }) => id === this.#leaderId)) return true;
    this.#leaderId = present[0]?.id ?? null;
    return this.#leaderId !== null;
  }

  #beginGeneration(): void {
    const [first] = this.#members.all();
    assert(first !== undefined, "a generation begins without members");
    this.#state = "CompletingRebalance";
    this.#protocolName = this.nextProtocolName();
    this.#record = {
      generation: this.generation + 1,
      protocolType: first.traits.protocolType,
      emptySinceMs: undefined,
    };
    for (const member of this.#members.all()) {
      member.fresh = false;
      member.synced = false;
      this.#members.touch(member);
    }
    this.#startTimer(this.#rebalanceTimeoutMs(), () => this.#dropUnsynced());
    this.#begun = this.#write(this.#record);
    for (const member of this.#members.all()) {
      const { join } = member;
      if (join === undefined) continue;
      member.join = undefined;
      void this.joinAnswerWhenBegun(member).then((answer) => join.answer(answer));
    }
  }

  /** Whether a generation came to be on the disk; where it did not, it is over. */
  async #write(record: GroupRecord): Promise<boolean> {
    const { groupId: group, save, keep, warnings } = this.#parts;
    try {
      await save(record);
      return true;
    } catch (error) {
      // Small state may have no room for a further group: what is kept of its members, which has a
      // place of its own, says the number too.
      const isFull = isTributaryError(error, "STATE_TOO_LARGE");
      if (isFull && (await keep().catch(() => false))) return true;
      const fields = { group, reason: messageOf(error) };
      warnings.warn("generation", fields, "A group's generation was not written");
      if (this.#record === record && this.#hasGeneration) this.prepare("it was not written");
      return false;
    }
  }

  get #hasGeneration(): boolean {
    return this.#state === "CompletingRebalance" || this.#state === "Stable";
  }

  /** Members that took their generation and then never asked for their part hold it from others. */
  #dropUnsynced(): void {
    const late = this.#members.all().filter(({ synced }) => !synced);
    for (const member of late) this.#members.remove(member);
    for (const member of late) {
      this.memberLeft(`member ${member.id} did not ask for its assignment in time`);
    }
  }

  #joinedMembers(): JoinAnswer["members"] {
    return this.#members.all().map((member) => ({
      id: member.id,
      instanceId: member.instanceId,
      metadata: metadataFor(member, this.#protocolName),
    }));
  }

  #rebalanceTimeoutMs(): number {
    const { rebalanceTimeoutMsMin, rebalanceTimeoutMsMax } = this.#parts.limits;
    const wanted = this.#members.all().map(({ traits }) => traits.rebalanceTimeoutMs);
    return Math.min(Math.max(rebalanceTimeoutMsMin, ...wanted), rebalanceTimeoutMsMax);
  }

  #startTimer(delayMs: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#parts.timers.after(delayMs, run);
  }
}

export function answerJoin(member: Member, answer: JoinAnswer): void {
  const { join } = member;
  member.join = undefined;
  join?.answer(answer);
}

export function answerSync(member: Member, answer: SyncAnswer): void {
  const { sync } = member;
  member.sync = undefined;
  sync?.answer(answer);
}
