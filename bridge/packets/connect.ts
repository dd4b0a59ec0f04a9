/**
 * CONNECT, the first packet of a client. It carries the version that all others are read by.
 *
 *     text       protocol name: "MQIsdp" (3.1), "MQTT" (3.1.1 and 5)
 *     uint8      protocol version: 3, 4, 5
 *     uint8      flags: user name, password, will retain, will QoS (2 bits), will, clean start, 0
 *     uint16     keep alive, in seconds
 *     (5)        properties
 *     text       client identifier; may be empty: what then is the session's to say
 *     will       (5) its properties, text topic, binary payload
 *     text       user name
 *     binary     password
 *
 * Source: MQTT 5.0, section 3.1; MQTT 3.1, section 3.1.
 */
import { assert } from "../../src/base/errors.ts";
import { FixedHeader } from "./fixed-header.ts";
import type { ConnectPacket, ProtocolVersion, Qos, WillMessage } from "./packet.ts";
import { malformed, PacketError, protocolError } from "./packet-error.ts";
import { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { NO_PROPERTIES, readProperties, writeProperties } from "./properties.ts";
import { WILL } from "./property-table.ts";
import { ReasonCode } from "./reason-codes.ts";
import { checkResponseTopic, checkTopicName } from "./topic-name.ts";
import type { Writable } from "./writable.ts";

const USER_NAME = 0x80;
const PASSWORD = 0x40;
const WILL_RETAIN = 0x20;
const WILL_QOS_SHIFT = 3;
const HAS_WILL = 0x04;
const CLEAN_START = 0x02;
const RESERVED = 0x01;

const NAME_OF_MQTT_3_1 = "MQIsdp";
const NAME = "MQTT";

export function decodeConnect(reader: PacketReader): ConnectPacket {
  const protocolVersion = readVersion(reader);
  const flags = reader.uint8();
  checkFlags(flags, protocolVersion);
  const keepAliveSeconds = reader.uint16();
  const properties =
    protocolVersion === 5 ? readProperties(reader, PacketType.connect) : NO_PROPERTIES;
  if (
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    throw protocolError("Authentication data needs a method [section 3.1.2.11.10].");
  }
  const packet: Writable<ConnectPacket> = {
    type: "connect",
    protocolVersion,
    clientId: reader.text(),
    cleanStart: (flags & CLEAN_START) !== 0,
    keepAliveSeconds,
    ...properties,
  };
  if ((flags & HAS_WILL) !== 0) packet.will = readWill(reader, flags, protocolVersion);
  // In MQTT 3.1 the length of the packet takes precedence over these two flags (its section 3.1).
  const mayLack = protocolVersion === 3;
  if ((flags & USER_NAME) !== 0 && !(mayLack && reader.remaining === 0)) {
    packet.username = reader.text();
  }
  if ((flags & PASSWORD) !== 0 && !(mayLack && reader.remaining === 0)) {
    packet.password = reader.binary();
  }
  return packet;
}

/** The version that a CONNECT claims, also where it is malformed further on: how to answer it. */
export function claimedVersion(frame: Buffer): ProtocolVersion | undefined {
  try {
    const header = new FixedHeader();
    if (!header.read(frame, 0, undefined)) return undefined;
    return readVersion(new PacketReader(frame, header.bodyAt, Math.min(header.end, frame.length)));
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    throw error;
  }
}

function readVersion(reader: PacketReader): ProtocolVersion {
  const name = reader.text();
  const version = reader.uint8();
  if (name === NAME && (version === 4 || version === 5)) return version;
  if (name === NAME_OF_MQTT_3_1 && version === 3) return version;
  throw new PacketError(
    ReasonCode.unsupportedProtocolVersion,
    "Only MQTT 3.1, 3.1.1 and 5 are served, each by its name [MQTT-3.1.2-1], [MQTT-3.1.2-2].",
  );
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  if ((flags & RESERVED) !== 0) {
    throw malformed("The reserved flag of a CONNECT must be 0 [MQTT-3.1.2-3].");
  }
  if ((flags & HAS_WILL) !== 0) {
    if (willQosOf(flags) === 3) throw malformed("A will must not have QoS 3 [MQTT-3.1.2-12].");
  } else if (version > 3) {
    // MQTT 3.1 disregards these two where there is no will.
    if (willQosOf(flags) !== 0) {
      throw protocolError("A CONNECT without a will must have will QoS 0 [MQTT-3.1.2-11].");
    }
    if ((flags & WILL_RETAIN) !== 0) {
      throw protocolError("A CONNECT without a will must not retain it [MQTT-3.1.2-13].");
    }
  }
  if (version < 5 && (flags & (USER_NAME | PASSWORD)) === PASSWORD) {
    throw protocolError("A password needs a user name [MQTT-3.1.2-22 of MQTT 3.1.1].");
  }
}

function willQosOf(flags: number): number {
  return (flags >> WILL_QOS_SHIFT) & 3;
}

function readWill(reader: PacketReader, flags: number, version: ProtocolVersion): WillMessage {
  const all = version === 5 ? readProperties(reader, WILL) : NO_PROPERTIES;
  const { delaySeconds, messageExpirySeconds, ...properties } = all;
  checkResponseTopic(properties.responseTopic);
  const topic = reader.text();
  checkTopicName(topic);
  const will: Writable<WillMessage> = {
    topic,
    payload: reader.binary(),
    qos: willQosOf(flags) as Qos,
    retain: (flags & WILL_RETAIN) !== 0,
  };
  if (delaySeconds !== undefined) will.delaySeconds = delaySeconds;
  if (messageExpirySeconds !== undefined) will.messageExpirySeconds = messageExpirySeconds;
  if (Object.keys(properties).length > 0) will.properties = properties;
  return will;
}

export function encodeConnect(packet: ConnectPacket): Buffer {
  const { protocolVersion, username, password, will } = packet;
  assert(
    protocolVersion === 5 || password === undefined || username !== undefined,
    "a password without a user name needs MQTT 5",
  );
  const writer = new PacketWriter();
  writer.text(protocolVersion === 3 ? NAME_OF_MQTT_3_1 : NAME);
  writer.uint8(protocolVersion);
  writer.uint8(flagsOf(packet));
  writer.uint16(packet.keepAliveSeconds);
  if (protocolVersion === 5) writeProperties(writer, PacketType.connect, packet);
  writer.text(packet.clientId);
  if (will !== undefined) {
    if (protocolVersion === 5) writeProperties(writer, WILL, { ...will.properties, ...will });
    writer.text(will.topic);
    writer.binary(will.payload);
  }
  if (username !== undefined) writer.text(username);
  if (password !== undefined) writer.binary(password);
  return writer.finish(firstByteOf(PacketType.connect));
}

function flagsOf({ username, password, will, cleanStart }: ConnectPacket): number {
  let flags = cleanStart ? CLEAN_START : 0;
  if (username !== undefined) flags |= USER_NAME;
  if (password !== undefined) flags |= PASSWORD;
  if (will === undefined) return flags;
  return flags | HAS_WILL | (will.qos << WILL_QOS_SHIFT) | (will.retain ? WILL_RETAIN : 0);
}
