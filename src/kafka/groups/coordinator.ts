/**
 * The group coordinator: what the APIs of consumer groups call. Finds the group, checks what a
 * request says against the limits, and hands it on; the work is done by the files beside it:
 *
 *     directory.ts    which groups there are
 *     membership.ts   who is in one, and for how long
 *     rebalance.ts    how it gets from one generation to the next
 *     offsets.ts      what it has committed
 *     transactional-offsets.ts  what it commits with producers' transactions
 *     expiry.ts       when it is forgotten
 *     consumer/       groups of the newer protocol (KIP-848), which beside these have all of their own
 *
 * Answers carry Kafka's errors by name. Waiting answers settle when `signal` aborts.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { isTributaryError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { MetricSample } from "../../base/service.ts";
import { systemTimers, type Timers } from "../../base/timers.ts";
import type { Log, MarkerKind } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { ConsumerProtocol, type HeartbeatSender } from "./consumer/consumer-protocol.ts";
import type { ConsumerGroupDescription } from "./consumer/description.ts";
import {
  type HeartbeatAnswer,
  type HeartbeatRequest,
  refusedHeartbeat,
} from "./consumer/heartbeat-request.ts";
import { mayFetch } from "./consumer/offset-claims.ts";
import { TopicPatterns } from "./consumer/topic-patterns.ts";
import {
  describeGroup,
  type GroupDescription,
  type ListedGroup,
  listedGroup,
  unknownGroup,
} from "./description.ts";
import { type AnyGroup, GroupDirectory } from "./directory.ts";
import { GroupExpiry } from "./expiry.ts";
import type { Group, MemberClaim } from "./group.ts";
import { GroupSettings } from "./group-settings.ts";
import { type JoinRequest, joinGroup } from "./join-group.ts";
import { type LeavingMember, leaveGroup } from "./leave-group.ts";
import { DEFAULT_GROUP_LIMITS, type GroupLimits } from "./limits.ts";
import { type JoinAnswer, refusedJoin, refusedSync, type SyncAnswer } from "./member.ts";
import { MemberBudget } from "./member-budget.ts";
import { groupMetrics } from "./metrics.ts";
import { GroupOffsets, type OffsetCommit, type TopicPartition } from "./offsets.ts";
import { PendingOffsets } from "./pending-offsets.ts";
import { subscribedTopics } from "./subscription.ts";
import { type SyncRequest, syncGroup } from "./sync-group.ts";
import { TransactionalOffsets } from "./transactional-offsets.ts";

export interface CoordinatorOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers?: Timers;
  readonly limits?: Partial<GroupLimits>;
  /** A part of a member id that no other member ever had; a UUID by default. */
  readonly newId?: () => string;
}

export class GroupCoordinator {
  readonly offsets: GroupOffsets;
  readonly settings: GroupSettings;
  readonly transactionalOffsets: TransactionalOffsets;
  readonly limits: GroupLimits;
  readonly #directory: GroupDirectory;
  readonly #expiry: GroupExpiry;
  readonly #budget: MemberBudget;
  readonly #patterns: TopicPatterns;
  readonly #consumers: ConsumerProtocol;
  #closed = false;

  constructor(options: CoordinatorOptions) {
    const { log, clock, logger, timers = systemTimers, newId = randomUUID } = options;
    const limits = { ...DEFAULT_GROUP_LIMITS, ...options.limits };
    this.limits = limits;
    this.settings = new GroupSettings({ log, limits });
    const pending = new PendingOffsets(log);
    this.offsets = new GroupOffsets(log, clock, limits, pending);
    this.transactionalOffsets = new TransactionalOffsets(log, clock, this.offsets, pending);
    this.#budget = new MemberBudget(limits);
    this.#patterns = new TopicPatterns(log, limits);
    const parts = {
      ...{ log, clock, logger, timers, limits, newId, pending },
      ...{ budget: this.#budget, patterns: this.#patterns },
      ...{ offsets: this.offsets, settings: this.settings },
    };
    const directory = new GroupDirectory(parts);
    this.#directory = directory;
    this.#expiry = new GroupExpiry({ ...parts, directory });
    this.#consumers = new ConsumerProtocol({ ...parts, directory });
  }

  async join(request: JoinRequest, signal: AbortSignal): Promise<JoinAnswer> {
    const refusal = this.#refuse(request.groupId) ?? this.#refuseJoin(request);
    if (refusal !== undefined) return refusedJoin(refusal, request.memberId);
    // Only a newcomer may found a group: an id is from before, when the group was there.
    const group =
      request.memberId === ""
        ? this.#directory.openClassic(request.groupId)
        : this.#directory.findClassic(request.groupId);
    if (group === undefined) return refusedJoin("UNKNOWN_MEMBER_ID", request.memberId);
    if (group === "full") return refusedJoin("POLICY_VIOLATION");
    if (group.kind === "consumer") return refusedJoin("INCONSISTENT_GROUP_PROTOCOL");
    return joinGroup(group, request, signal);
  }

  /** A heartbeat of the newer protocol: everything its members ask is one. */
  async consumerHeartbeat(
    request: HeartbeatRequest,
    sender: HeartbeatSender,
  ): Promise<HeartbeatAnswer> {
    if (this.#closed) return refusedHeartbeat("COORDINATOR_NOT_AVAILABLE", null);
    try {
      return await this.#consumers.heartbeat(request, sender);
    } catch (error) {
      if (error instanceof KafkaRefusal) return refusedHeartbeat(error.kafkaError, error.message);
      if (!isTributaryError(error)) throw error;
      return refusedHeartbeat("COORDINATOR_NOT_AVAILABLE", error.message);
    }
  }

  async sync(request: SyncRequest, signal: AbortSignal): Promise<SyncAnswer> {
    const group = this.#find(request.groupId);
    return typeof group === "string" ? refusedSync(group) : syncGroup(group, request, signal);
  }

  heartbeat(groupId: string, claim: MemberClaim): KafkaErrorName {
    const group = this.#find(groupId);
    return typeof group === "string" ? group : group.heartbeat(claim);
  }

  /** An error for each of `leaving`, or one for the whole request. */
  leave(groupId: string, leaving: readonly LeavingMember[]): KafkaErrorName | KafkaErrorName[] {
    const refusal = this.#refuse(groupId);
    if (refusal !== undefined) return refusal;
    const group = this.#directory.findClassic(groupId);
    return leaving.map((one) =>
      group === undefined ? "UNKNOWN_MEMBER_ID" : leaveGroup(group, one),
    );
  }

  /** Resolves when who is in a classic group is on disk as it was at the call, or cannot be kept. */
  async settled(groupId: string): Promise<void> {
    await this.#directory.keeper.settled(groupId);
  }

  /** An error (or NONE) for each of `commits`; resolves when those accepted are on disk. */
  async commit(
    groupId: string,
    claim: MemberClaim,
    commits: readonly OffsetCommit[],
  ): Promise<KafkaErrorName[]> {
    const group = this.#mayCommit(groupId, claim, (found) => found.mayCommit(claim));
    if (typeof group === "string") return commits.map(() => group);
    return await committing(group, this.offsets.commit(groupId, commits));
  }

  /** The same for offsets that count once the producer's transaction is committed. */
  async commitInTransaction(
    groupId: string,
    claim: MemberClaim,
    producerId: number,
    commits: readonly OffsetCommit[],
  ): Promise<KafkaErrorName[]> {
    const group = this.#mayCommit(groupId, claim, (found) =>
      found.kind === "consumer" ? found.mayCommit(claim) : found.mayCommitInTransaction(claim),
    );
    if (typeof group === "string") return commits.map(() => group);
    return await committing(group, this.transactionalOffsets.add(groupId, producerId, commits));
  }

  /** The producer's transaction has ended, on disk: what it committed offsets for is a group now. */
  transactionEnded(producerId: number, kind: MarkerKind): void {
    const { transactionalOffsets } = this;
    if (kind === "commit") {
      for (const { place } of transactionalOffsets.pending.of(producerId)) {
        this.#directory.open(place.group);
      }
    }
    transactionalOffsets.ended(producerId);
  }

  /** Why no group may be called that, or none can be asked for now. */
  refusalOf(groupId: string): KafkaErrorName | undefined {
    return this.#refuse(groupId);
  }

  /** Whether who says that may see what the group has committed; null: it says nothing. */
  mayFetch(groupId: string, memberId: string | null, epoch: number): KafkaErrorName {
    const group = this.#directory.find(groupId);
    return group?.kind === "consumer" ? mayFetch(group, memberId, epoch) : "NONE";
  }

  /** A classic group; to this one of the other kind is unknown, as in Kafka. */
  describe(groupId: string): GroupDescription {
    const group = this.#directory.findClassic(groupId);
    return group === undefined ? unknownGroup(groupId) : describeGroup(group);
  }

  describeConsumerGroup(groupId: string): ConsumerGroupDescription {
    return this.#consumers.describe(groupId);
  }

  list(): ListedGroup[] {
    return this.#directory.all().map(listedGroup);
  }

  /** Deletes groups without members, with their offsets; an error (or NONE) for each. */
  async delete(groupIds: readonly string[]): Promise<KafkaErrorName[]> {
    const doomed = new Map<string, Promise<KafkaErrorName>>();
    const results = groupIds.map((id) => {
      const result = doomed.get(id) ?? this.#deleteOne(id);
      doomed.set(id, result);
      return result;
    });
    return await Promise.all(results);
  }

  async #deleteOne(groupId: string): Promise<KafkaErrorName> {
    const group = this.#findForAdmin(groupId);
    if (typeof group === "string") return group;
    if (!this.#directory.isIdle(group)) return "NON_EMPTY_GROUP";
    return await outcome(this.#directory.remove(group));
  }

  /** Deletes offsets that no member reads on from; one error for all, or one for each. */
  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<KafkaErrorName | KafkaErrorName[]> {
    const group = this.#findForAdmin(groupId);
    if (typeof group === "string") return group;
    const isRead = readerOf(group);
    if (isRead === undefined) return "NON_EMPTY_GROUP";
    // Asked once: members may come and go while the disk is at work.
    const read = partitions.map(({ topic }) => isRead(topic));
    const removed = partitions.filter((_, at) => read[at] === false);
    const written = await outcome(
      this.offsets.remove(removed.map((place) => ({ ...place, group: groupId }))),
    );
    return read.map((one) => (one ? "GROUP_SUBSCRIBED_TO_TOPIC" : written));
  }

  /**
   * Removes what every group has committed for a deleted topic; resolves when that is on disk. By id:
   * the name may be another topic's by now. What this misses never counts, and expires.
   */
  async forgetTopic(topicId: string): Promise<void> {
    await this.offsets.removeUnused((stored) => stored.topicId === topicId);
  }

  metrics(): readonly MetricSample[] {
    return groupMetrics({
      groups: this.#directory.all(),
      budget: this.#budget,
      offsetCount: this.offsets.count,
      notKept: this.#directory.keeper.notKept,
    });
  }

  /** Lets go of all that wait; they find the coordinator again, here or after the restart. */
  close(): void {
    this.#closed = true;
    this.#expiry.close();
    this.#patterns.close();
    for (const group of this.#directory.all()) group.die("COORDINATOR_NOT_AVAILABLE");
  }

  #mayCommit(
    groupId: string,
    claim: MemberClaim,
    check: (group: AnyGroup) => KafkaErrorName,
  ): AnyGroup | KafkaErrorName {
    const refusal = this.#refuse(groupId);
    if (refusal !== undefined) return refusal;
    // A member's commit to a group that is no more must not found it again.
    const group =
      claim.generation < 0 ? this.#directory.open(groupId) : this.#directory.find(groupId);
    if (group === "full") return "POLICY_VIOLATION";
    if (group === undefined) {
      return (claim.version ?? 0) >= 9 ? "GROUP_ID_NOT_FOUND" : "ILLEGAL_GENERATION";
    }
    const error = check(group);
    return error === "NONE" ? group : error;
  }

  #find(groupId: string): Group | KafkaErrorName {
    return this.#refuse(groupId) ?? this.#directory.findClassic(groupId) ?? "UNKNOWN_MEMBER_ID";
  }

  #findForAdmin(groupId: string): AnyGroup | KafkaErrorName {
    return this.#refuse(groupId) ?? this.#directory.find(groupId) ?? "GROUP_ID_NOT_FOUND";
  }

  #refuse(groupId: string): KafkaErrorName | undefined {
    if (this.#closed) return "COORDINATOR_NOT_AVAILABLE";
    const bytes = Buffer.byteLength(groupId);
    return bytes === 0 || bytes > this.limits.groupIdBytesMax ? "INVALID_GROUP_ID" : undefined;
  }

  #refuseJoin(request: JoinRequest): KafkaErrorName | undefined {
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.limits;
    const { nameBytesMax, protocolBytesMax, protocolsMax } = this.limits;
    const { sessionTimeoutMs, protocols, protocolType, instanceId } = request;
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
      return "INVALID_SESSION_TIMEOUT";
    }
    if (protocols.length > protocolsMax) return "POLICY_VIOLATION";
    const names = [protocolType, instanceId ?? "", ...protocols.map(({ name }) => name)];
    if (names.some((name) => Buffer.byteLength(name) > nameBytesMax)) return "POLICY_VIOLATION";
    const bytes = protocols.reduce(
      (sum, { name, metadata }) => sum + name.length + metadata.length,
      0,
    );
    return bytes > protocolBytesMax ? "POLICY_VIOLATION" : undefined;
  }
}

/** Keeps the group from being forgotten meanwhile. */
async function committing<Result>(group: AnyGroup, commit: Promise<Result>): Promise<Result> {
  group.commitsInFlight += 1;
  try {
    return await commit;
  } finally {
    group.commitsInFlight -= 1;
  }
}

/** Whether a member of the group reads a topic; undefined where that cannot be known. */
function readerOf(group: AnyGroup): ((topic: string) => boolean) | undefined {
  if (group.kind === "consumer") return (topic) => group.reads(topic);
  if (group.state === "Empty") return () => false;
  const read = subscribedTopics(group);
  return read === undefined ? undefined : (topic) => read.has(topic);
}

async function outcome(written: Promise<void>): Promise<KafkaErrorName> {
  try {
    await written;
    return "NONE";
  } catch (error) {
    if (!isTributaryError(error)) throw error;
    return "COORDINATOR_NOT_AVAILABLE";
  }
}
