/**
 * One consumer group of the newer protocol (KIP-848): its members, its epochs, who has what, and
 * who is to have what. Owner of all of that; what is asked of it stands in `heartbeat.ts`.
 *
 * Three numbers move a group: a change (a member, a subscription, a topic) raises the group's epoch;
 * the partitions are shared anew for that epoch, which is then the assignment's; and each member
 * comes to it by its own heartbeats, which is then the member's.
 *
 * Everything here is synchronous; `save` writes it. Nobody is answered before that is on the disk,
 * so no epoch goes back over a restart.
 */
import type { Clock } from "../../../base/clock.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Timers } from "../../../base/timers.ts";
import type { Log } from "../../../log/contract.ts";
import type { KafkaErrorName } from "../../error-codes.ts";
import type { MemberClaim } from "../group.ts";
import type { GroupSettings } from "../group-settings.ts";
import type { GroupLimits } from "../limits.ts";
import type { MemberBudget } from "../member-budget.ts";
import { type Assignment, isSame, NOTHING, union } from "./assignment.ts";
import { type Assignor, preferredAssignor } from "./assignor.ts";
import type { GroupWriter } from "./group-writer.ts";
import { AWAY, bytesOf, type ConsumerMember, type MemberTraits, NEWCOMER } from "./member.ts";
import { MemberWatch } from "./member-watch.ts";
import { mayCommit } from "./offset-claims.ts";
import { PartitionOwners } from "./partition-owners.ts";
import { reconcile, type Standing } from "./reconcile.ts";
import {
  encodeEpochs,
  encodeSaid,
  encodeStanding,
  encodeTarget,
  type GroupEpochs,
  groupKey,
  MEMBER_PARTS,
  memberKey,
} from "./records.ts";
import { shareOut, topicsHashOf } from "./sharing.ts";

/** As ConsumerGroupDescribe and ListGroups spell them. */
export const CONSUMER_GROUP_STATES = [
  "Empty",
  "Assigning",
  "Reconciling",
  "Stable",
  "Dead",
] as const;
export type ConsumerGroupState = (typeof CONSUMER_GROUP_STATES)[number];

export interface ConsumerGroupParts {
  readonly groupId: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits: GroupLimits;
  readonly settings: GroupSettings;
  readonly logger: Logger;
  readonly budget: MemberBudget;
  /** Shared with those of the same id before it: what they could not write comes first. */
  readonly writer: GroupWriter;
}

/** What of a group was on the disk. */
export interface StoredGroup {
  readonly epochs: GroupEpochs;
  readonly members: readonly StoredMember[];
}

export type StoredMember = Omit<ConsumerMember, "matchedAt">;

/**
 * With hundreds of members and topics, sharing takes long, and whoever changes its mind with each
 * heartbeat must not take the thread for itself. A group that has shared for so long rests until a
 * tenth of the time that has passed since makes up for it. Members are told of what has changed
 * meanwhile by a later heartbeat (KIP-848 lets a group's epoch run ahead of its assignment's).
 */
const SHARING_MS_MAX = 100;
const REST_FACTOR = 10;

const NEW_EPOCHS: GroupEpochs = {
  epoch: 0,
  assignmentEpoch: 0,
  topicsHash: "",
  emptySinceMs: undefined,
};

export class ConsumerGroup {
  readonly kind = "consumer";
  readonly id: string;
  /** Commits on their way to the disk: the group must not be forgotten under them. */
  commitsInFlight = 0;
  readonly #parts: ConsumerGroupParts;
  readonly #writer: GroupWriter;
  readonly #watch: MemberWatch;
  readonly #owners = new PartitionOwners();
  readonly #members = new Map<string, ConsumerMember>();
  readonly #staticIds = new Map<string, string>();
  readonly #weights = new Map<ConsumerMember, number>();
  #epochs: GroupEpochs;
  /** The topics' version at which it was last seen whether they have moved. */
  #topicsSeenAt = -1;
  /** How long it has shared of late, in milliseconds, as of that monotonic time. */
  #shared = { durationMs: 0, atMs: 0 };
  #isDead = false;

  constructor(parts: ConsumerGroupParts, stored?: StoredGroup) {
    const { clock, timers, settings, groupId } = parts;
    this.id = groupId;
    this.#parts = parts;
    this.#writer = parts.writer;
    this.#watch = new MemberWatch({
      clock,
      timers,
      sessionTimeoutMs: () => settings.value(groupId, "consumer.session.timeout.ms"),
      onSilent: (member) => this.#expel(member, "it was silent for too long"),
      onLate: (member) => this.#expel(member, "it did not give partitions back in time"),
    });
    this.#epochs = stored?.epochs ?? { ...NEW_EPOCHS, emptySinceMs: clock.nowMs() };
    for (const member of stored?.members ?? []) this.#enter({ ...member, matchedAt: -1 });
  }

  /** As they are written. */
  get epochs(): GroupEpochs {
    return this.#epochs;
  }

  get epoch(): number {
    return this.#epochs.epoch;
  }

  get assignmentEpoch(): number {
    return this.#epochs.assignmentEpoch;
  }

  get emptySinceMs(): number | undefined {
    return this.#epochs.emptySinceMs;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Nobody is in it, or is committing: it may be deleted, or expire. */
  get isIdle(): boolean {
    return this.isEmpty && this.commitsInFlight === 0;
  }

  get state(): ConsumerGroupState {
    if (this.#isDead) return "Dead";
    if (this.isEmpty) return "Empty";
    const { epoch, assignmentEpoch } = this.#epochs;
    if (epoch > assignmentEpoch) return "Assigning";
    const isThere = ({ standing }: ConsumerMember) =>
      standing.state === "stable" && standing.epoch === assignmentEpoch;
    return this.members().every(isThere) ? "Stable" : "Reconciling";
  }

  get assignor(): Assignor {
    return preferredAssignor(this.members().map(({ traits }) => traits.serverAssignor));
  }

  /** In order of joining. A copy: members may be removed while it is walked. */
  members(): ConsumerMember[] {
    return [...this.#members.values()];
  }

  member(id: string): ConsumerMember | undefined {
    return this.#members.get(id);
  }

  holderOf(instanceId: string): ConsumerMember | undefined {
    const id = this.#staticIds.get(instanceId);
    return id === undefined ? undefined : this.#members.get(id);
  }

  reads(topic: string): boolean {
    return this.members().some(
      ({ traits }) => traits.topicNames.includes(topic) || traits.matched.includes(topic),
    );
  }

  mayCommit(claim: MemberClaim): KafkaErrorName {
    return mayCommit(this, claim);
  }

  add(id: string, instanceId: string | null, traits: MemberTraits): ConsumerMember {
    const said = { id, instanceId, traits };
    const member = { ...said, standing: NEWCOMER, target: NOTHING, matchedAt: -1 };
    this.#enter(member);
    this.#noteAll(member);
    this.#setEpochs({ emptySinceMs: undefined });
    return member;
  }

  /** A static member's process came back under another id: it takes the place that was kept. */
  replace(former: ConsumerMember, id: string): ConsumerMember {
    this.#leave(former);
    const { instanceId, traits, target } = former;
    const member = { id, instanceId, traits, standing: NEWCOMER, target, matchedAt: -1 };
    this.#enter(member);
    this.#noteAll(member);
    return member;
  }

  /** Takes a member out: its partitions are free at once, and are shared anew. */
  remove(member: ConsumerMember): void {
    this.#leave(member);
    const emptySinceMs = this.isEmpty ? this.#parts.clock.nowMs() : undefined;
    this.#setEpochs({ epoch: this.epoch + 1, emptySinceMs });
  }

  /** A static member goes for a while: its partitions are free, and are kept for it (epoch -2). */
  setAway(member: ConsumerMember): void {
    this.#stand(member, AWAY);
    this.touch(member);
  }

  touch(member: ConsumerMember): void {
    this.#watch.touch(member);
  }

  setTraits(member: ConsumerMember, traits: MemberTraits): void {
    member.traits = traits;
    this.#note(member, "says");
  }

  /**
   * Shares the partitions anew where `changed`, or where topics or members have changed since; a later
   * call does where the group rests.
   */
  share(changed: boolean, topicsVersion: number): void {
    if (changed || this.#topicsHaveMoved(topicsVersion)) this.#setEpochs({ epoch: this.epoch + 1 });
    const beganMs = this.#parts.clock.monotonicMs();
    if (this.epoch === this.assignmentEpoch || this.#rests(beganMs)) return;
    const { targets, topicsHash } = shareOut(this.#parts.log, this.members(), this.assignor);
    for (const member of this.#members.values()) {
      const target = targets.get(member.id) ?? NOTHING;
      if (isSame(target, member.target)) continue;
      member.target = target;
      this.#note(member, "target");
    }
    this.#topicsSeenAt = topicsVersion;
    this.#setEpochs({ assignmentEpoch: this.epoch, topicsHash });
    this.#shared.durationMs += this.#parts.clock.monotonicMs() - beganMs;
  }

  /** Brings the member nearer to its target. `owned`: what it says it holds; null = it says nothing. */
  reconcile(member: ConsumerMember, owned: Assignment | null): void {
    const target = { epoch: this.assignmentEpoch, assignment: member.target };
    const isFree = (topicId: string, partition: number) =>
      this.#owners.ownerOf(topicId, partition) === undefined;
    const standing = reconcile(member.standing, { target, owned, isFree });
    if (standing !== member.standing) this.#stand(member, standing);
  }

  /** Resolves when all of it, as it is now, is on the disk. */
  async save(): Promise<void> {
    await this.#writer.save();
  }

  /** The end of the group: timers stop. Nobody waits here to be told why. */
  die(_error: KafkaErrorName): void {
    this.#isDead = true;
    this.#watch.close();
    for (const weight of this.#weights.values()) this.#parts.budget.change(-1, -weight);
    this.#weights.clear();
  }

  /** Removes what the group has on the disk. */
  async erase(): Promise<void> {
    this.#writer.change(groupKey(this.id), () => undefined);
    await this.save();
  }

  #rests(nowMs: number): boolean {
    const { durationMs, atMs } = this.#shared;
    const leftMs = Math.max(0, durationMs - (nowMs - atMs) / REST_FACTOR);
    this.#shared = { durationMs: leftMs, atMs: nowMs };
    return leftMs > SHARING_MS_MAX;
  }

  #topicsHaveMoved(topicsVersion: number): boolean {
    if (this.#topicsSeenAt === topicsVersion) return false;
    this.#topicsSeenAt = topicsVersion;
    return topicsHashOf(this.#parts.log, this.members()) !== this.#epochs.topicsHash;
  }

  #stand(member: ConsumerMember, standing: Standing): void {
    const { assigned, revoking } = member.standing;
    this.#owners.release(member.id, union(assigned, revoking));
    this.#owners.claim(member.id, union(standing.assigned, standing.revoking));
    member.standing = standing;
    this.#watchRevocation(member);
    this.#note(member, "holds");
  }

  #watchRevocation(member: ConsumerMember): void {
    const { rebalanceTimeoutMsMin, rebalanceTimeoutMsMax } = this.#parts.limits;
    const { rebalanceTimeoutMs } = member.traits;
    const timeoutMs = Math.max(rebalanceTimeoutMs, rebalanceTimeoutMsMin);
    if (member.standing.state !== "unrevoked") this.#watch.expectNothing(member);
    else this.#watch.expectRevocation(member, Math.min(timeoutMs, rebalanceTimeoutMsMax));
  }

  #enter(member: ConsumerMember): void {
    const { id, instanceId, standing } = member;
    this.#members.set(id, member);
    if (instanceId !== null) this.#staticIds.set(instanceId, id);
    this.#owners.claim(id, union(standing.assigned, standing.revoking));
    this.#watch.add(member);
    this.#watchRevocation(member);
    this.#weights.set(member, 0);
    this.#parts.budget.change(1, 0);
    this.#weigh(member);
  }

  #leave(member: ConsumerMember): void {
    const { id, instanceId, standing } = member;
    this.#members.delete(id);
    if (instanceId !== null && this.#staticIds.get(instanceId) === id) {
      this.#staticIds.delete(instanceId);
    }
    this.#owners.release(id, union(standing.assigned, standing.revoking));
    this.#watch.remove(member);
    this.#parts.budget.change(-1, -(this.#weights.get(member) ?? 0));
    this.#weights.delete(member);
    for (const part of MEMBER_PARTS) {
      this.#writer.change(memberKey(part, this.id, id), () => undefined);
    }
  }

  #expel(member: ConsumerMember, reason: string): void {
    const { logger } = this.#parts;
    const fields = { group: this.id, member: member.id, reason };
    logger.info(fields, "A member was taken out of its consumer group");
    this.remove(member);
    this.save().catch((error: unknown) => {
      logger.warn({ ...fields, error: messageOf(error) }, "That a member is gone was not written");
    });
  }

  #setEpochs(changes: Partial<GroupEpochs>): void {
    this.#epochs = { ...this.#epochs, ...changes };
    this.#writer.change(groupKey(this.id), () => encodeEpochs(this.#epochs));
  }

  #noteAll(member: ConsumerMember): void {
    for (const part of MEMBER_PARTS) this.#note(member, part);
  }

  #note(member: ConsumerMember, part: (typeof MEMBER_PARTS)[number]): void {
    this.#weigh(member);
    this.#writer.change(memberKey(part, this.id, member.id), () => valueOf(member, part));
  }

  #weigh(member: ConsumerMember): void {
    const weight = bytesOf(member);
    this.#parts.budget.change(0, weight - (this.#weights.get(member) ?? 0));
    this.#weights.set(member, weight);
  }
}

function valueOf(member: ConsumerMember, part: (typeof MEMBER_PARTS)[number]): Buffer {
  const { instanceId, traits, standing, target } = member;
  if (part === "says") return encodeSaid({ ...traits, instanceId });
  return part === "holds" ? encodeStanding(standing) : encodeTarget(target);
}
