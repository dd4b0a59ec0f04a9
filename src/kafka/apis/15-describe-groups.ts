/**
 * DescribeGroups, versions 0 to 5. A group that does not exist is described as Dead, without an
 * error (that came with version 6); so is a consumer group (KIP-848), for which clients ask by
 * ConsumerGroupDescribe.
 */
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import {
  type DescribedMember,
  type GroupDescription,
  unknownGroup,
} from "../groups/description.ts";
import { NOT_ASKED } from "../rights.ts";

export interface DescribeGroupsRequest {
  readonly groupIds: readonly string[];
  readonly operationsAsked: boolean;
}

export interface AnsweredGroup extends GroupDescription {
  readonly error: KafkaErrorName;
  readonly operations: number;
}

export const describeGroups: KafkaApi<DescribeGroupsRequest, readonly AnsweredGroup[]> = {
  key: 15,
  name: "DescribeGroups",
  versions: [0, 5],
  flexibleFrom: 5,

  decode(reader, version) {
    const groupIds = reader.array((each) => each.string());
    const operationsAsked = version >= 3 ? reader.boolean() : false;
    reader.tags();
    return { groupIds, operationsAsked };
  },

  handle({ groupIds, operationsAsked }, { broker, rights }) {
    // Once each: a group that is named often would be described as often.
    return [...new Set(groupIds)].map((groupId): AnsweredGroup => {
      if (!rights.group("describe", groupId)) {
        const error = "GROUP_AUTHORIZATION_FAILED";
        return { ...unknownGroup(groupId), error, operations: NOT_ASKED };
      }
      const operations = rights.groupOperations(operationsAsked, groupId);
      return { ...broker.groups.describe(groupId), error: "NONE", operations };
    });
  },

  encode(writer, groups, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.array(groups, (group) => {
      writer.int16(KAFKA_ERRORS[group.error]).string(group.groupId).string(group.state);
      writer.string(group.protocolType).string(group.protocolName);
      writer.array(group.members, (member) => writeMember(writer, member, version));
      if (version >= 3) writer.int32(group.operations);
      writer.tags();
    });
    writer.tags();
  },
};

function writeMember(writer: WireWriter, member: DescribedMember, version: number): void {
  writer.string(member.memberId);
  if (version >= 4) writer.nullableString(member.instanceId);
  writer.string(member.clientId).string(member.clientHost);
  writer.bytes(member.metadata).bytes(member.assignment).tags();
}
