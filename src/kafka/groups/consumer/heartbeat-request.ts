/**
 * What a member says in a heartbeat (ConsumerGroupHeartbeat), and whether it can be taken at all,
 * whatever the group. Null, or -1, stands for "as I said before".
 */
import type { KafkaErrorName } from "../../error-codes.ts";
import { KafkaRefusal } from "../../kafka-refusal.ts";
import type { GroupLimits } from "../limits.ts";
import type { Assignment, TopicPartitions } from "./assignment.ts";
import { ASSIGNORS, assignorNamed } from "./assignor.ts";
import { AWAY_EPOCH, subscriptionBytes } from "./member.ts";

export const JOIN_EPOCH = 0;
export const LEAVE_EPOCH = -1;

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly memberId: string;
  /** 0 joins, -1 leaves, -2 leaves for a while (a static member). */
  readonly epoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly topicNames: readonly string[] | null;
  /** From version 1; an empty one ends the subscription by pattern. */
  readonly pattern: string | null;
  readonly serverAssignor: string | null;
  readonly owned: readonly TopicPartitions[] | null;
}

export interface HeartbeatAnswer {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly memberId: string | null;
  readonly epoch: number;
  readonly heartbeatIntervalMs: number;
  /** All that the member has now; null = as before. */
  readonly assignment: Assignment | null;
}

export function refusedHeartbeat(error: KafkaErrorName, message: string | null): HeartbeatAnswer {
  return { error, message, memberId: null, epoch: 0, heartbeatIntervalMs: 0, assignment: null };
}

export function isLeaving({ epoch }: HeartbeatRequest): boolean {
  return epoch === LEAVE_EPOCH || epoch === AWAY_EPOCH;
}

/** Everything is said, as in a first heartbeat and in the one after a lost answer. */
export function isWhole(request: HeartbeatRequest): boolean {
  const { epoch, rebalanceTimeoutMs, topicNames, pattern, owned } = request;
  if (epoch === JOIN_EPOCH) return true;
  return rebalanceTimeoutMs !== -1 && (topicNames !== null || pattern !== null) && owned !== null;
}

/** @throws KafkaRefusal INVALID_REQUEST, UNSUPPORTED_ASSIGNOR */
export function checkHeartbeat(
  request: HeartbeatRequest,
  limits: GroupLimits,
  mayLackId: boolean,
): void {
  const { memberId, epoch, instanceId, serverAssignor } = request;
  if (request.groupId === "") refuse("GroupId must not be empty");
  if (memberId === "" && !(mayLackId && epoch === JOIN_EPOCH)) {
    refuse("MemberId must not be empty");
  }
  if (instanceId === "") refuse("InstanceId must be null or not empty");
  if (request.rackId === "") refuse("RackId must be null or not empty");
  if (epoch < AWAY_EPOCH) refuse(`MemberEpoch ${epoch} means nothing`);
  if (epoch === AWAY_EPOCH && instanceId === null)
    refuse("InstanceId must be there to leave by -2");
  if (epoch === JOIN_EPOCH) checkJoin(request);
  checkSizes(request, limits);
  if (serverAssignor !== null && assignorNamed(serverAssignor) === undefined) {
    const names = ASSIGNORS.map(({ name }) => name).join(", ");
    const message = `ServerAssignor ${serverAssignor} is none of ${names}.`;
    throw new KafkaRefusal("UNSUPPORTED_ASSIGNOR", message);
  }
}

function checkJoin({ rebalanceTimeoutMs, owned, topicNames, pattern }: HeartbeatRequest): void {
  if (rebalanceTimeoutMs === -1) refuse("RebalanceTimeoutMs must be given by who joins");
  if (owned === null || owned.length > 0) refuse("TopicPartitions must be empty from who joins");
  if (topicNames === null && pattern === null) {
    refuse("SubscribedTopicNames or SubscribedTopicRegex must be given by who joins");
  }
}

function checkSizes(request: HeartbeatRequest, limits: GroupLimits): void {
  const { memberId, instanceId, rackId, serverAssignor, topicNames, pattern } = request;
  const { groupIdBytesMax, nameBytesMax, protocolBytesMax } = limits;
  if (Buffer.byteLength(request.groupId) > groupIdBytesMax) {
    refuse(`GroupId is longer than ${groupIdBytesMax} bytes`);
  }
  const names = [memberId, instanceId ?? "", rackId ?? "", serverAssignor ?? ""];
  if (names.some((name) => Buffer.byteLength(name) > nameBytesMax)) {
    refuse(`MemberId, InstanceId, RackId or ServerAssignor is longer than ${nameBytesMax} bytes`);
  }
  if (subscriptionBytes(topicNames ?? [], pattern ?? "") > protocolBytesMax) {
    refuse(`SubscribedTopicNames hold more than ${protocolBytesMax} bytes`);
  }
}

function refuse(reason: string): never {
  throw new KafkaRefusal("INVALID_REQUEST", `${reason}.`);
}
