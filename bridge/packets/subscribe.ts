/**
 * SUBSCRIBE and SUBACK.
 *
 *     SUBSCRIBE  uint16 packet identifier
 *                (5) properties
 *                one or more: text filter, uint8 options
 *     options    0 (2 bits), retain handling (2 bits), retain as published, no local, QoS (2 bits);
 *                in MQTT 3 only the QoS
 *     SUBACK     uint16 packet identifier
 *                (5) properties
 *                uint8 reason code, one a filter
 *
 * What a filter looks like is not judged here. Source: MQTT 5.0, sections 3.8 and 3.9.
 */
import {
  type ProtocolVersion,
  type Qos,
  SHARE_PREFIX,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
} from "./packet.ts";
import { malformed, protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { NO_PROPERTIES, readProperties, writeProperties } from "./properties.ts";
import { checkReasonCode, SUBACK_CODES, subackCodeOfMqtt3 } from "./reason-code-rules.ts";
import type { ReasonCode } from "./reason-codes.ts";

const QOS = 0b0000_0011;
const NO_LOCAL = 0b0000_0100;
const RETAIN_AS_PUBLISHED = 0b0000_1000;
const RETAIN_HANDLING_SHIFT = 4;
const RESERVED = 0b1100_0000;

export function decodeSubscribe(reader: PacketReader, version: ProtocolVersion): SubscribePacket {
  const packetId = reader.packetId();
  const all = version === 5 ? readProperties(reader, PacketType.subscribe) : NO_PROPERTIES;
  const { subscriptionIds = [], ...properties } = all;
  if (subscriptionIds.length > 1) {
    throw protocolError("A SUBSCRIBE has at most one subscription identifier [section 3.8.2.1.2].");
  }
  if (reader.remaining === 0) {
    throw protocolError("A SUBSCRIBE must have at least one topic filter [MQTT-3.8.3-2].");
  }
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remaining > 0) {
    subscriptions.push(readRequest(reader.text(), reader.uint8(), version));
  }
  const [subscriptionId] = subscriptionIds;
  const packet: SubscribePacket = { type: "subscribe", packetId, subscriptions, ...properties };
  return subscriptionId === undefined ? packet : { ...packet, subscriptionId };
}

function readRequest(
  filter: string,
  options: number,
  version: ProtocolVersion,
): SubscriptionRequest {
  const reserved = version === 5 ? RESERVED : ~QOS;
  if ((options & reserved) !== 0) {
    throw malformed("Reserved bits of a subscription's options must be 0 [MQTT-3.8.3-5].");
  }
  const qos = options & QOS;
  if (qos === 3) throw protocolError("A subscription must not have QoS 3 [section 3.8.3.1].");
  const retainHandling = options >> RETAIN_HANDLING_SHIFT;
  if (retainHandling === 3) {
    throw protocolError("A subscription must not have retain handling 3 [section 3.8.3.1].");
  }
  const noLocal = (options & NO_LOCAL) !== 0;
  if (noLocal && filter.startsWith(SHARE_PREFIX)) {
    throw protocolError("A shared subscription must not be no-local [MQTT-3.8.3-4].");
  }
  return {
    filter,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

export function encodeSubscribe(packet: SubscribePacket, version: ProtocolVersion): Buffer {
  const { packetId, subscriptions, subscriptionId, userProperties } = packet;
  const writer = new PacketWriter();
  writer.uint16(packetId);
  if (version === 5) {
    writeProperties(writer, PacketType.subscribe, {
      ...(subscriptionId !== undefined && { subscriptionIds: [subscriptionId] }),
      ...(userProperties !== undefined && { userProperties }),
    });
  }
  for (const request of subscriptions) {
    writer.text(request.filter);
    writer.uint8(version === 5 ? optionsOf(request) : request.qos);
  }
  return writer.finish(firstByteOf(PacketType.subscribe));
}

function optionsOf(request: SubscriptionRequest): number {
  const { qos, noLocal, retainAsPublished, retainHandling } = request;
  const flags = (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0);
  return (retainHandling << RETAIN_HANDLING_SHIFT) | flags | qos;
}

export function decodeSuback(reader: PacketReader, version: ProtocolVersion): SubackPacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, PacketType.suback) : NO_PROPERTIES;
  const reasonCodes: ReasonCode[] = [];
  while (reader.remaining > 0) reasonCodes.push(readSubackCode(reader.uint8(), version));
  return { type: "suback", packetId, reasonCodes, ...properties };
}

function readSubackCode(code: number, version: ProtocolVersion): ReasonCode {
  const reasonCode = checkReasonCode(code, SUBACK_CODES);
  if (version === 5 || subackCodeOfMqtt3(reasonCode) === code) return reasonCode;
  throw protocolError("A SUBACK has no such return code [MQTT-3.9.3-2 of MQTT 3.1.1].");
}

export function encodeSuback(packet: SubackPacket, version: ProtocolVersion): Buffer {
  const writer = new PacketWriter();
  writer.uint16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.suback, packet);
  for (const code of packet.reasonCodes) {
    writer.uint8(version === 5 ? code : subackCodeOfMqtt3(code));
  }
  return writer.finish(firstByteOf(PacketType.suback));
}
