/**
 * LeaveGroup, versions 0 to 5. From version 3 (KIP-345) several members leave in one request, and
 * an operator takes static ones out by their names alone.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import type { LeavingMember } from "../groups/leave-group.ts";

const BATCHED_VERSION = 3;

export interface LeaveGroupRequest {
  readonly groupId: string;
  readonly members: readonly LeavingMember[];
}

export interface LeaveGroupResponse {
  readonly error: KafkaErrorName;
  readonly members: readonly (LeavingMember & { readonly error: KafkaErrorName })[];
}

export const leaveGroup: KafkaApi<LeaveGroupRequest, LeaveGroupResponse> = {
  key: 13,
  name: "LeaveGroup",
  versions: [0, 5],
  flexibleFrom: 4,

  decode(reader, version) {
    const groupId = reader.string();
    if (version < BATCHED_VERSION) {
      return { groupId, members: [{ memberId: reader.string(), instanceId: null }] };
    }
    const members = reader.array((each) => {
      const member = { memberId: each.string(), instanceId: each.nullableString() };
      if (version >= 5) each.nullableString(); // Reason: the client keeps its own log.
      each.tags();
      return member;
    });
    reader.tags();
    return { groupId, members };
  },

  async handle({ groupId, members }, { broker, version, rights }) {
    if (!rights.group("read", groupId)) return { error: "GROUP_AUTHORIZATION_FAILED", members: [] };
    const outcome = broker.groups.leave(groupId, members);
    if (typeof outcome === "string") return { error: outcome, members: [] };
    await broker.groups.settled(groupId);
    const left = members.map((member, index) => ({
      ...member,
      error: outcome[index] ?? "UNKNOWN_SERVER_ERROR",
    }));
    const error = version < BATCHED_VERSION ? (left[0]?.error ?? "NONE") : "NONE";
    return { error, members: left };
  },

  encode(writer, { error, members }, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.int16(KAFKA_ERRORS[error]);
    if (version >= BATCHED_VERSION) {
      writer.array(members, ({ memberId, instanceId, error: memberError }) => {
        writer.string(memberId).nullableString(instanceId);
        writer.int16(KAFKA_ERRORS[memberError]).tags();
      });
    }
    writer.tags();
  },
};
