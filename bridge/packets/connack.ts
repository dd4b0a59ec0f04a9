/**
 * CONNACK, the server's answer to a CONNECT.
 *
 *     uint8      flags: 0 (7 bits), session present
 *     uint8      reason code (5), return code (3.1, 3.1.1)
 *     (5)        properties
 *
 * Source: MQTT 5.0, section 3.2.
 */
import type { ConnackPacket, ProtocolVersion } from "./packet.ts";
import { malformed, protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { readProperties, writeProperties } from "./properties.ts";
import {
  CONNACK_CODES,
  checkReasonCode,
  reasonCodeOfReturnCode,
  returnCodeOf,
} from "./reason-code-rules.ts";

const SESSION_PRESENT = 0x01;

export function decodeConnack(reader: PacketReader, version: ProtocolVersion): ConnackPacket {
  const flags = reader.uint8();
  // MQTT 3.1 does not use this byte.
  if (flags > SESSION_PRESENT && version > 3) {
    throw malformed("The reserved flags of a CONNACK must be 0 [MQTT-3.2.2-1].");
  }
  const sessionPresent = flags === SESSION_PRESENT && version > 3;
  const code = reader.uint8();
  const reasonCode =
    version === 5 ? checkReasonCode(code, CONNACK_CODES) : reasonCodeOfReturnCode(code);
  if (sessionPresent && reasonCode !== 0) {
    throw protocolError("A refusal must not tell of a session [MQTT-3.2.2-6].");
  }
  if (version < 5) return { type: "connack", sessionPresent, reasonCode };
  const properties = readProperties(reader, PacketType.connack);
  return { type: "connack", sessionPresent, reasonCode, ...properties };
}

export function encodeConnack(packet: ConnackPacket, version: ProtocolVersion): Buffer {
  const { reasonCode, sessionPresent } = packet;
  const writer = new PacketWriter();
  // Who is refused is told of no session [MQTT-3.2.2-6]; MQTT 3.1 has no such flag.
  const present = sessionPresent && reasonCode === 0 && version > 3;
  writer.uint8(present ? SESSION_PRESENT : 0);
  if (version === 5) {
    writer.uint8(reasonCode);
    writeProperties(writer, PacketType.connack, packet);
  } else {
    writer.uint8(returnCodeOf(reasonCode));
  }
  return writer.finish(firstByteOf(PacketType.connack));
}
