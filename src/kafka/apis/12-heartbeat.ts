/** Heartbeat, versions 0 to 4: a member's sign of life; the answer tells it of a rebalance. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import type { MemberClaim } from "../groups/group.ts";

export interface HeartbeatRequest extends MemberClaim {
  readonly groupId: string;
}

export const heartbeat: KafkaApi<HeartbeatRequest, KafkaErrorName> = {
  key: 12,
  name: "Heartbeat",
  versions: [0, 4],
  flexibleFrom: 4,

  decode(reader, version) {
    const groupId = reader.string();
    const generation = reader.int32();
    const memberId = reader.string();
    const instanceId = version >= 3 ? reader.nullableString() : null;
    reader.tags();
    return { groupId, generation, memberId, instanceId };
  },

  handle(request, { broker }) {
    return broker.groups.heartbeat(request.groupId, request);
  },

  encode(writer, error, version) {
    if (version >= 1) writer.int32(0);
    writer.int16(KAFKA_ERRORS[error]).tags();
  },
};
