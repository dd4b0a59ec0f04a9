/** A consumer group as operators see it (ConsumerGroupDescribe). */
import type { Log } from "../../../log/contract.ts";
import type { KafkaErrorName } from "../../error-codes.ts";
import type { Assignment } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./member.ts";

export interface ConsumerGroupDescription {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly groupId: string;
  readonly state: string;
  readonly epoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly DescribedConsumer[];
}

export interface DescribedConsumer {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly epoch: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topicNames: readonly string[];
  readonly pattern: string;
  readonly assigned: readonly NamedPartitions[];
  readonly target: readonly NamedPartitions[];
}

export interface NamedPartitions {
  readonly topicId: string;
  readonly topicName: string;
  readonly partitions: readonly number[];
}

export function undescribed(
  groupId: string,
  error: KafkaErrorName,
  message: string,
): ConsumerGroupDescription {
  const nothing = { state: "", epoch: 0, assignmentEpoch: 0, assignor: "", members: [] };
  return { groupId, error, message, ...nothing };
}

export function describeConsumerGroup(group: ConsumerGroup, log: Log): ConsumerGroupDescription {
  return {
    error: "NONE",
    message: null,
    groupId: group.id,
    state: group.state,
    epoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignor: group.assignor.name,
    members: group.members().map((member) => describeMember(member, log)),
  };
}

function describeMember(member: ConsumerMember, log: Log): DescribedConsumer {
  const { id, instanceId, traits, standing, target } = member;
  return {
    memberId: id,
    instanceId,
    rackId: traits.rackId,
    epoch: standing.epoch,
    clientId: traits.clientId,
    clientHost: traits.clientHost,
    topicNames: traits.topicNames,
    pattern: traits.pattern,
    assigned: named(standing.assigned, log),
    target: named(target, log),
  };
}

/** Topics that are no more have no name, and are left out. */
function named(assignment: Assignment, log: Log): NamedPartitions[] {
  return [...assignment].flatMap(([topicId, partitions]) => {
    const topic = log.topicById(topicId);
    return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions }];
  });
}
