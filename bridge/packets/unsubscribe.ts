/**
 * UNSUBSCRIBE and UNSUBACK.
 *
 *     UNSUBSCRIBE  uint16 packet identifier
 *                  (5) properties
 *                  one or more: text filter
 *     UNSUBACK     uint16 packet identifier
 *                  (5) properties
 *                  (5) uint8 reason code, one a filter
 *
 * Source: MQTT 5.0, sections 3.10 and 3.11.
 */
import type { ProtocolVersion, UnsubackPacket, UnsubscribePacket } from "./packet.ts";
import { protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { NO_PROPERTIES, readProperties, writeProperties } from "./properties.ts";
import { checkReasonCode, UNSUBACK_CODES } from "./reason-code-rules.ts";
import type { ReasonCode } from "./reason-codes.ts";

export function decodeUnsubscribe(
  reader: PacketReader,
  version: ProtocolVersion,
): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, PacketType.unsubscribe) : NO_PROPERTIES;
  if (reader.remaining === 0) {
    throw protocolError("An UNSUBSCRIBE must have at least one topic filter [MQTT-3.10.3-2].");
  }
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.text());
  return { type: "unsubscribe", packetId, filters, ...properties };
}

export function encodeUnsubscribe(packet: UnsubscribePacket, version: ProtocolVersion): Buffer {
  const writer = new PacketWriter();
  writer.uint16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.unsubscribe, packet);
  for (const filter of packet.filters) writer.text(filter);
  return writer.finish(firstByteOf(PacketType.unsubscribe));
}

export function decodeUnsuback(reader: PacketReader, version: ProtocolVersion): UnsubackPacket {
  const packetId = reader.packetId();
  const reasonCodes: ReasonCode[] = [];
  if (version < 5) return { type: "unsuback", packetId, reasonCodes };
  const properties = readProperties(reader, PacketType.unsuback);
  while (reader.remaining > 0) {
    reasonCodes.push(checkReasonCode(reader.uint8(), UNSUBACK_CODES));
  }
  return { type: "unsuback", packetId, reasonCodes, ...properties };
}

export function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion): Buffer {
  const writer = new PacketWriter();
  writer.uint16(packet.packetId);
  if (version === 5) {
    writeProperties(writer, PacketType.unsuback, packet);
    for (const code of packet.reasonCodes) writer.uint8(code);
  }
  return writer.finish(firstByteOf(PacketType.unsuback));
}
