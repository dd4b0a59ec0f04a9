/**
 * ConsumerGroupHeartbeat, versions 0 and 1 (KIP-848): all that a member of a consumer group asks.
 * From version 1 the client makes the member's id (KIP-1082), and may subscribe by a regular
 * expression, which then finds only topics that the client may look at.
 */

import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import { type Assignment, listed } from "../groups/consumer/assignment.ts";
import {
  type HeartbeatAnswer,
  type HeartbeatRequest,
  refusedHeartbeat,
} from "../groups/consumer/heartbeat-request.ts";
import { NOT_ALLOWED } from "../rights.ts";

const CLIENT_ID_CHARS_MAX = 100;
const NULL_STRUCTURE = -1;
const STRUCTURE = 1;

export const consumerGroupHeartbeat: KafkaApi<HeartbeatRequest, HeartbeatAnswer> = {
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: [0, 1],
  flexibleFrom: 0,

  decode(reader, version) {
    const request = {
      groupId: reader.string(),
      memberId: reader.string(),
      epoch: reader.int32(),
      instanceId: reader.nullableString(),
      rackId: reader.nullableString(),
      rebalanceTimeoutMs: reader.int32(),
      topicNames: reader.nullableArray((each) => each.string()),
      pattern: version >= 1 ? reader.nullableString() : null,
      serverAssignor: reader.nullableString(),
      owned: reader.nullableArray((each) => {
        const topicId = each.uuid();
        const partitions = each.array((one) => one.int32());
        each.tags();
        return { topicId, partitions };
      }),
    };
    reader.tags();
    return request;
  },

  async handle(request, { broker, clientId, clientHost, rights, version, signal }) {
    if (!rights.group("read", request.groupId)) {
      return refusedHeartbeat("GROUP_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    const mayDescribe = (topic: string) => rights.topic("describe", topic);
    if (!(request.topicNames ?? []).every(mayDescribe)) {
      return refusedHeartbeat("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    return await broker.groups.consumerHeartbeat(request, {
      clientId: (clientId ?? "").slice(0, CLIENT_ID_CHARS_MAX).toWellFormed(),
      clientHost,
      mayLackId: version === 0,
      mayDescribe,
      signal,
    });
  },

  encode(writer, answer, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[answer.error]).explanation(answer.message);
    writer.nullableString(answer.memberId).int32(answer.epoch).int32(answer.heartbeatIntervalMs);
    writeAssignment(writer, answer.assignment);
    writer.tags();
  },
};

function writeAssignment(writer: WireWriter, assignment: Assignment | null): void {
  if (assignment === null) {
    writer.int8(NULL_STRUCTURE);
    return;
  }
  writer.int8(STRUCTURE);
  writer.array(listed(assignment), ({ topicId, partitions }) => {
    writer.uuid(topicId);
    writer.array(partitions, (partition) => writer.int32(partition));
    writer.tags();
  });
  writer.tags();
}
