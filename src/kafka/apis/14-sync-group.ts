/**
 * SyncGroup, versions 0 to 5: the leader brings the assignments, the others wait for theirs, at
 * most for the rebalance time-out. From version 5 (KIP-559) both sides name the protocol.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import { refusedSync, type SyncAnswer } from "../groups/member.ts";
import type { SyncRequest } from "../groups/sync-group.ts";
import { readMemberClaim } from "../read-member-claim.ts";

export const syncGroup: KafkaApi<SyncRequest, SyncAnswer> = {
  key: 14,
  name: "SyncGroup",
  versions: [0, 5],
  flexibleFrom: 4,
  waits: true,

  decode(reader, version) {
    const claim = readMemberClaim(reader, version >= 3);
    const protocolType = version >= 5 ? reader.nullableString() : null;
    const protocolName = version >= 5 ? reader.nullableString() : null;
    const assignments = reader.array((each) => {
      const assignment = { memberId: each.string(), assignment: each.bytes() };
      each.tags();
      return assignment;
    });
    reader.tags();
    return { ...claim, protocolType, protocolName, assignments };
  },

  handle(request, { broker, hurry, rights }) {
    if (!rights.group("read", request.groupId)) return refusedSync("GROUP_AUTHORIZATION_FAILED");
    return broker.groups.sync(request, hurry);
  },

  encode(writer, { error, protocolType, protocolName, assignment }, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.int16(KAFKA_ERRORS[error]);
    if (version >= 5) writer.nullableString(protocolType).nullableString(protocolName);
    writer.bytes(assignment).tags();
  },
};
