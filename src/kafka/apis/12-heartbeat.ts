/** Heartbeat, versions 0 to 4: a member's sign of life; the answer tells it of a rebalance. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { type GroupMemberClaim, readMemberClaim } from "../read-member-claim.ts";

export const heartbeat: KafkaApi<GroupMemberClaim, KafkaErrorName> = {
  key: 12,
  name: "Heartbeat",
  versions: [0, 4],
  flexibleFrom: 4,

  decode(reader, version) {
    const claim = readMemberClaim(reader, version >= 3);
    reader.tags();
    return claim;
  },

  handle(request, { broker, rights }) {
    if (!rights.group("read", request.groupId)) return "GROUP_AUTHORIZATION_FAILED";
    return broker.groups.heartbeat(request.groupId, request);
  },

  encode(writer, error, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.int16(KAFKA_ERRORS[error]).tags();
  },
};
