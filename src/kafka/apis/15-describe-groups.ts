/**
 * DescribeGroups, versions 0 to 5. A group that does not exist is described as Dead, without an
 * error (that came with version 6). Authorized operations are never listed: access rules are not
 * per group here.
 */
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import type { DescribedMember, GroupDescription } from "../groups/description.ts";

/** "Not asked for", where a set of operations would stand. */
const NO_AUTHORIZED_OPERATIONS = -0x8000_0000;

export const describeGroups: KafkaApi<readonly string[], readonly GroupDescription[]> = {
  key: 15,
  name: "DescribeGroups",
  versions: [0, 5],
  flexibleFrom: 5,

  decode(reader, version) {
    const groupIds = reader.array((each) => each.string());
    if (version >= 3) reader.boolean(); // Whether to list authorized operations: see above.
    reader.tags();
    return groupIds;
  },

  handle(groupIds, { broker }) {
    return groupIds.map((groupId) => broker.groups.describe(groupId));
  },

  encode(writer, groups, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.array(groups, ({ groupId, state, protocolType, protocolName, members }) => {
      writer.int16(KAFKA_ERRORS.NONE).string(groupId).string(state);
      writer.string(protocolType).string(protocolName);
      writer.array(members, (member) => writeMember(writer, member, version));
      if (version >= 3) writer.int32(NO_AUTHORIZED_OPERATIONS);
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
