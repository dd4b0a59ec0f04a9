/**
 * JoinGroup, versions 0 to 9. Answers when the group's members have met, at most after the longest
 * rebalance time-out among them; see `groups/join-group.ts`.
 *
 * From version 4 a newcomer is first given an id (KIP-394); from 5 it may have a lasting name
 * (KIP-345); from 9 a returning static leader may be told to change nothing (KIP-814).
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import type { JoinRequest } from "../groups/join-group.ts";
import { type GroupProtocol, type JoinAnswer, refusedJoin } from "../groups/member.ts";

/** What a member may say of its protocols, and as much again for its names. */
export const JOIN_REQUEST_BYTES_MAX = 1024 * 1024;
/**
 * Of a client's own name: enough to tell it by, in its member id and for operators. Cut in the midst
 * of a character, half of that would be sent as another one, and the id would not be known again.
 */
const CLIENT_ID_CHARS_MAX = 100;

export type JoinGroupRequest = Pick<
  JoinRequest,
  | "groupId"
  | "memberId"
  | "instanceId"
  | "sessionTimeoutMs"
  | "rebalanceTimeoutMs"
  | "protocolType"
  | "protocols"
>;

export const joinGroup: KafkaApi<JoinGroupRequest, JoinAnswer> = {
  key: 11,
  name: "JoinGroup",
  versions: [0, 9],
  flexibleFrom: 6,
  requestBytesMax: JOIN_REQUEST_BYTES_MAX,
  waits: true,

  decode(reader, version) {
    const groupId = reader.string();
    const sessionTimeoutMs = reader.int32();
    const rebalanceTimeoutMs = version >= 1 ? reader.int32() : sessionTimeoutMs;
    const memberId = reader.string();
    const instanceId = version >= 5 ? reader.nullableString() : null;
    const protocolType = reader.string();
    const protocols = reader.array((each): GroupProtocol => {
      const protocol = { name: each.string(), metadata: each.bytes() };
      each.tags();
      return protocol;
    });
    if (version >= 8) reader.nullableString(); // Reason: the client keeps its own log.
    reader.tags();
    return {
      groupId,
      memberId,
      instanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocolType,
      protocols,
    };
  },

  handle(request, { broker, clientId, clientHost, version, hurry, rights }) {
    if (!rights.group("read", request.groupId)) {
      return refusedJoin("GROUP_AUTHORIZATION_FAILED", request.memberId);
    }
    return broker.groups.join(
      {
        ...request,
        clientId: (clientId ?? "").slice(0, CLIENT_ID_CHARS_MAX).toWellFormed(),
        clientHost,
        requiresKnownId: version >= 4,
        knowsSkipAssignment: version >= 9,
      },
      hurry,
    );
  },

  encode(writer, answer, version, throttleMs) {
    if (version >= 2) writer.int32(throttleMs);
    writer.int16(KAFKA_ERRORS[answer.error]).int32(answer.generation);
    if (version >= 7) writer.nullableString(answer.protocolType);
    if (version >= 7) writer.nullableString(answer.protocolName);
    else writer.string(answer.protocolName ?? "");
    writer.string(answer.leaderId);
    if (version >= 9) writer.boolean(answer.skipAssignment);
    writer.string(answer.memberId);
    writer.array(answer.members, ({ id, instanceId, metadata }) => {
      writer.string(id);
      if (version >= 5) writer.nullableString(instanceId);
      writer.bytes(metadata).tags();
    });
    writer.tags();
  },
};
