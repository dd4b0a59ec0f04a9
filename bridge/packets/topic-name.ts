/**
 * What a topic name in a packet may look like. Filters are not judged here: a bad one is answered
 * for itself, in the SUBACK. Source: MQTT 5.0, section 4.7.
 */
import { PacketError, protocolError } from "./packet-error.ts";
import { ReasonCode } from "./reason-codes.ts";

/** Of a PUBLISH or a will. @throws PacketError */
export function checkTopicName(topic: string): void {
  if (topic === "") {
    throw new PacketError(
      ReasonCode.topicNameInvalid,
      "A topic name must not be empty [MQTT-4.7.3-1].",
    );
  }
  if (hasWildcard(topic)) {
    throw new PacketError(
      ReasonCode.topicNameInvalid,
      "A topic name must not hold a wildcard [MQTT-3.3.2-2].",
    );
  }
}

/** @throws PacketError */
export function checkResponseTopic(topic: string | undefined): void {
  if (topic === undefined) return;
  if (topic === "") throw protocolError("A response topic must not be empty [MQTT-4.7.3-1].");
  if (hasWildcard(topic)) {
    throw protocolError("A response topic must not hold a wildcard [MQTT-3.3.2-14].");
  }
}

function hasWildcard(topic: string): boolean {
  return topic.includes("+") || topic.includes("#");
}
