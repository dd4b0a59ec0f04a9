/**
 * ConsumerGroupDescribe, versions 0 and 1 (KIP-848): groups of the newer protocol, with the epochs of
 * their members, what each has, and what it is to have. For a classic group it answers
 * GROUP_ID_NOT_FOUND, and clients go on to DescribeGroups.
 */
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import {
  type ConsumerGroupDescription,
  type DescribedConsumer,
  type NamedPartitions,
  undescribed,
} from "../groups/consumer/description.ts";
import { NOT_ALLOWED, NOT_ASKED, type Rights } from "../rights.ts";

/** Of a member, from version 1; classic members of a consumer group are 0, and do not come here. */
const CONSUMER_MEMBER = 1;

export interface ConsumerGroupDescribeRequest {
  readonly groupIds: readonly string[];
  readonly operationsAsked: boolean;
}

export interface DescribedGroup extends ConsumerGroupDescription {
  readonly operations: number;
}

export const consumerGroupDescribe: KafkaApi<
  ConsumerGroupDescribeRequest,
  readonly DescribedGroup[]
> = {
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: [0, 1],
  flexibleFrom: 0,

  decode(reader) {
    const groupIds = reader.array((each) => each.string());
    const operationsAsked = reader.boolean();
    reader.tags();
    return { groupIds, operationsAsked };
  },

  handle({ groupIds, operationsAsked }, { broker, rights }) {
    // Once each: a group that is named often would be described as often.
    return [...new Set(groupIds)].map((groupId): DescribedGroup => {
      if (!rights.group("describe", groupId)) {
        const error = "GROUP_AUTHORIZATION_FAILED";
        return { ...undescribed(groupId, error, NOT_ALLOWED), operations: NOT_ASKED };
      }
      const group = broker.groups.describeConsumerGroup(groupId);
      if (!maySeeTopics(group, rights)) {
        const error = "TOPIC_AUTHORIZATION_FAILED";
        return { ...undescribed(groupId, error, NOT_ALLOWED), operations: NOT_ASKED };
      }
      return { ...group, operations: rights.groupOperations(operationsAsked, groupId) };
    });
  },

  encode(writer, groups, version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(groups, (group) => {
      writer.int16(KAFKA_ERRORS[group.error]).explanation(group.message).string(group.groupId);
      writer.string(group.state).int32(group.epoch).int32(group.assignmentEpoch);
      writer.string(group.assignor);
      writer.array(group.members, (member) => writeMember(writer, member, version));
      writer.int32(group.operations).tags();
    });
    writer.tags();
  },
};

function maySeeTopics({ members }: ConsumerGroupDescription, rights: Rights): boolean {
  const names = members.flatMap(({ topicNames, assigned, target }) => [
    ...topicNames,
    ...[...assigned, ...target].map(({ topicName }) => topicName),
  ]);
  return [...new Set(names)].every((name) => rights.topic("describe", name));
}

function writeMember(writer: WireWriter, member: DescribedConsumer, version: number): void {
  writer.string(member.memberId).nullableString(member.instanceId).nullableString(member.rackId);
  writer.int32(member.epoch).string(member.clientId).string(member.clientHost);
  writer.array(member.topicNames, (name) => writer.string(name));
  writer.nullableString(member.pattern === "" ? null : member.pattern);
  writeAssignment(writer, member.assigned);
  writeAssignment(writer, member.target);
  if (version >= 1) writer.int8(CONSUMER_MEMBER);
  writer.tags();
}

function writeAssignment(writer: WireWriter, partitions: readonly NamedPartitions[]): void {
  writer.array(partitions, (each) => {
    writer.uuid(each.topicId).string(each.topicName);
    writer.array(each.partitions, (partition) => writer.int32(partition));
    writer.tags();
  });
  writer.tags();
}
