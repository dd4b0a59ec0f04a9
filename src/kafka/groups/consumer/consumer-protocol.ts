/**
 * The newer protocol's requests, as the APIs ask them: finds the group, has patterns looked up,
 * lets the group do its part, and answers when what has changed is on the disk.
 */
import type { Log } from "../../../log/contract.ts";
import { KafkaRefusal } from "../../kafka-refusal.ts";
import type { GroupDirectory } from "../directory.ts";
import type { GroupSettings } from "../group-settings.ts";
import type { GroupLimits } from "../limits.ts";
import type { MemberBudget } from "../member-budget.ts";
import { NOTHING } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import {
  type ConsumerGroupDescription,
  describeConsumerGroup,
  undescribed,
} from "./description.ts";
import { beat, leave, type Matched } from "./heartbeat.ts";
import {
  checkHeartbeat,
  type HeartbeatAnswer,
  type HeartbeatRequest,
  isLeaving,
  JOIN_EPOCH,
} from "./heartbeat-request.ts";
import { bytesOf, type ConsumerMember, type MemberTraits, NEWCOMER } from "./member.ts";
import type { TopicPatterns } from "./topic-patterns.ts";

export interface ConsumerProtocolParts {
  readonly log: Log;
  readonly limits: GroupLimits;
  readonly settings: GroupSettings;
  readonly directory: GroupDirectory;
  readonly budget: MemberBudget;
  readonly patterns: TopicPatterns;
  readonly newId: () => string;
}

/** Who sends a heartbeat. */
export interface HeartbeatSender {
  readonly clientId: string;
  readonly clientHost: string;
  /** Whether it may come without an id, and be given one (version 0). */
  readonly mayLackId: boolean;
  /** Whether it may know that there is a topic of that name. */
  readonly mayDescribe: (topic: string) => boolean;
  /** Aborts when it has gone. */
  readonly signal: AbortSignal;
}

export class ConsumerProtocol {
  readonly #parts: ConsumerProtocolParts;

  constructor(parts: ConsumerProtocolParts) {
    this.#parts = parts;
  }

  /** @throws KafkaRefusal, and what the log throws where nothing can be written */
  async heartbeat(request: HeartbeatRequest, sender: HeartbeatSender): Promise<HeartbeatAnswer> {
    const { limits, settings, newId, patterns } = this.#parts;
    checkHeartbeat(request, limits, sender.mayLackId);
    if (isLeaving(request)) return await this.#leave(request);
    const matched = await this.#match(request, sender);
    // From here to the save, nothing is waited for.
    const group = this.#groupOf(request);
    const memberId = request.memberId === "" ? newId() : request.memberId;
    const { member, assignment } = beat(group, memberId, {
      request,
      clientId: sender.clientId,
      clientHost: sender.clientHost,
      matched,
      topicsVersion: patterns.version,
      admit: (into, traits, known) => this.#admit(into, traits, known),
    });
    const { epoch } = member.standing;
    await group.save();
    return {
      error: "NONE",
      message: null,
      memberId,
      epoch,
      heartbeatIntervalMs: settings.value(group.id, "consumer.heartbeat.interval.ms"),
      assignment,
    };
  }

  describe(groupId: string): ConsumerGroupDescription {
    const group = this.#parts.directory.find(groupId);
    if (group?.kind === "consumer") return describeConsumerGroup(group, this.#parts.log);
    const message =
      group === undefined ? `There is no group ${groupId}.` : `${groupId} is not a consumer group.`;
    return undescribed(groupId, "GROUP_ID_NOT_FOUND", message);
  }

  async #leave(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    const { memberId, epoch } = request;
    const group = this.#groupOf(request);
    leave(group, request);
    await group.save();
    const answer = { heartbeatIntervalMs: 0, assignment: null };
    return { error: "NONE", message: null, memberId, epoch, ...answer };
  }

  /** What the member's pattern names: looked up when it comes, and when topics came or went. */
  async #match(request: HeartbeatRequest, sender: HeartbeatSender): Promise<Matched | undefined> {
    const { directory, patterns } = this.#parts;
    const group = directory.find(request.groupId);
    const member = group?.kind === "consumer" ? group.member(request.memberId) : undefined;
    const pattern = request.pattern ?? member?.traits.pattern ?? "";
    if (pattern === "") return undefined;
    const isKnown = member?.traits.pattern === pattern && member.matchedAt === patterns.version;
    if (isKnown && request.pattern === null) return undefined;
    const { names, version } = await patterns.find(pattern, sender.signal);
    return { pattern, version, names: names.filter((name) => sender.mayDescribe(name)) };
  }

  #groupOf({ groupId, epoch }: HeartbeatRequest): ConsumerGroup {
    const { directory } = this.#parts;
    const group = epoch === JOIN_EPOCH ? directory.openConsumer(groupId) : directory.find(groupId);
    if (group === "full") {
      throw new KafkaRefusal("POLICY_VIOLATION", "The gateway knows as many groups as it may.");
    }
    if (group?.kind === "consumer") return group;
    const reason =
      group === undefined
        ? `There is no group ${groupId}`
        : `Group ${groupId} is of the classic protocol, and has members`;
    throw new KafkaRefusal("GROUP_ID_NOT_FOUND", `${reason}.`);
  }

  #admit(group: ConsumerGroup, traits: MemberTraits, known: ConsumerMember | undefined): void {
    const { limits, budget } = this.#parts;
    if (known !== undefined) {
      if (budget.hasRoom(0, bytesOf({ ...known, traits }) - bytesOf(known))) return;
      const message = "The members of this gateway's groups say as much as it may keep.";
      throw new KafkaRefusal("POLICY_VIOLATION", message);
    }
    if (group.memberCount >= limits.membersMax) {
      throw new KafkaRefusal(
        "GROUP_MAX_SIZE_REACHED",
        `The group has ${limits.membersMax} members.`,
      );
    }
    const said = { id: "", instanceId: null, traits };
    const bytes = bytesOf({ ...said, standing: NEWCOMER, target: NOTHING, matchedAt: -1 });
    if (budget.hasRoom(1, bytes)) return;
    const message = "The groups of this gateway have as many members as it may keep.";
    throw new KafkaRefusal("GROUP_MAX_SIZE_REACHED", message);
  }
}
