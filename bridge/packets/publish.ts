/**
 * PUBLISH, an application message on its way, in either direction.
 *
 *     flags      duplicate, QoS (2 bits), retain
 *     text       topic; may be empty where a topic alias stands for it (5)
 *     uint16     packet identifier, of QoS 1 and 2 alone
 *     (5)        properties
 *     bytes      payload: the rest; a view when decoded
 *
 * Source: MQTT 5.0, section 3.3.
 */
import { assert } from "../../src/base/errors.ts";
import type { ProtocolVersion, PublishPacket, Qos } from "./packet.ts";
import { PacketError, protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { NO_PROPERTIES, readProperties, writeProperties } from "./properties.ts";
import type { Properties } from "./property-table.ts";
import { ReasonCode } from "./reason-codes.ts";
import { checkResponseTopic, checkTopicName } from "./topic-name.ts";
import type { Writable } from "./writable.ts";

const DUPLICATE = 0b1000;
const RETAIN = 0b0001;
const TYPE = PacketType.publish << 4;

/** `flags` are those of the fixed header, already found good. */
export function decodePublish(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): PublishPacket {
  const qos = ((flags >> 1) & 3) as Qos;
  const topic = reader.text();
  const packetId = qos > 0 ? reader.packetId() : undefined;
  const properties = version === 5 ? readProperties(reader, PacketType.publish) : NO_PROPERTIES;
  const packet: Writable<PublishPacket> = {
    type: "publish",
    topic,
    payload: reader.raw(reader.remaining),
    qos,
    retain: (flags & RETAIN) !== 0,
    duplicate: (flags & DUPLICATE) !== 0,
  };
  if (packetId !== undefined) packet.packetId = packetId;
  if (properties !== NO_PROPERTIES) addProperties(packet, properties);
  if (topic !== "" || version < 5) checkTopicName(topic);
  else if (packet.topicAlias === undefined) {
    throw protocolError("A PUBLISH needs a topic name or a topic alias [section 3.3.2.1].");
  }
  return packet;
}

function addProperties(packet: Writable<PublishPacket>, all: Properties): void {
  const { topicAlias, messageExpirySeconds, subscriptionIds, ...properties } = all;
  if (topicAlias === 0) {
    throw new PacketError(
      ReasonCode.topicAliasInvalid,
      "A topic alias must not be 0 [MQTT-3.3.2-8].",
    );
  }
  checkResponseTopic(properties.responseTopic);
  if (topicAlias !== undefined) packet.topicAlias = topicAlias;
  if (messageExpirySeconds !== undefined) packet.messageExpirySeconds = messageExpirySeconds;
  if (subscriptionIds !== undefined) packet.subscriptionIds = subscriptionIds;
  if (Object.keys(properties).length > 0) packet.properties = properties;
}

export function encodePublish(packet: PublishPacket, version: ProtocolVersion): Buffer {
  const { topic, payload, qos, packetId } = packet;
  const writer = new PacketWriter(publishBytes(topic, payload));
  writer.text(topic);
  if (qos > 0) {
    assert(packetId !== undefined && packetId > 0, "a PUBLISH of QoS 1 or 2 needs an identifier");
    writer.uint16(packetId);
  }
  if (version === 5) {
    const { topicAlias, messageExpirySeconds, subscriptionIds } = packet;
    writeProperties(writer, PacketType.publish, {
      ...packet.properties,
      ...(topicAlias !== undefined && { topicAlias }),
      ...(messageExpirySeconds !== undefined && { messageExpirySeconds }),
      ...(subscriptionIds !== undefined && { subscriptionIds }),
    });
  }
  writer.raw(payload);
  return writer.finish(publishFirstByte(qos, packet.retain, packet.duplicate));
}

/** DUP must be 0 for QoS 0 [MQTT-3.3.1-2]. */
export function publishFirstByte(qos: Qos, retain: boolean, duplicate: boolean): number {
  return TYPE | (duplicate && qos > 0 ? DUPLICATE : 0) | (qos << 1) | (retain ? RETAIN : 0);
}

const OTHER_FIELDS_BYTES = 64;

/** About as many bytes as the body of a PUBLISH takes, so that its payload is copied once. */
function publishBytes(topic: string, payload: Buffer): number {
  return topic.length + payload.length + OTHER_FIELDS_BYTES;
}
