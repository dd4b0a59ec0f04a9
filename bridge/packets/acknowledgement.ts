/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP, which are alike.
 *
 *     uint16     packet identifier
 *     uint8      (5) reason code; left out where it is 0 and there are no properties
 *     (5)        properties; left out where there are none
 *
 * Source: MQTT 5.0, sections 3.4 to 3.7.
 */
import type { AcknowledgementPacket, ProtocolVersion } from "./packet.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { hasProperties, readProperties, writeProperties } from "./properties.ts";
import { checkReasonCode, RECEIVED_CODES, RELEASE_CODES } from "./reason-code-rules.ts";
import { ReasonCode } from "./reason-codes.ts";

const SHORT_BYTES = 4;
const SHORT_REMAINING = 2;

export function decodeAcknowledgement(
  reader: PacketReader,
  type: AcknowledgementPacket["type"],
  version: ProtocolVersion,
): AcknowledgementPacket {
  const packetId = reader.packetId();
  if (version < 5 || reader.remaining === 0) {
    return { type, packetId, reasonCode: ReasonCode.success };
  }
  const allowed = type === "puback" || type === "pubrec" ? RECEIVED_CODES : RELEASE_CODES;
  const reasonCode = checkReasonCode(reader.uint8(), allowed);
  if (reader.remaining === 0) return { type, packetId, reasonCode };
  return { type, packetId, reasonCode, ...readProperties(reader, PacketType[type]) };
}

/** MQTT 3 knows success alone: whatever the reason code, it is not written. */
export function encodeAcknowledgement(
  packet: AcknowledgementPacket,
  version: ProtocolVersion,
): Buffer {
  const { type, packetId, reasonCode } = packet;
  const first = firstByteOf(PacketType[type]);
  const withProperties = version === 5 && hasProperties(PacketType[type], packet);
  if (version < 5 || (reasonCode === 0 && !withProperties)) {
    const bytes = Buffer.allocUnsafe(SHORT_BYTES);
    bytes[0] = first;
    bytes[1] = SHORT_REMAINING;
    bytes[2] = packetId >> 8;
    bytes[3] = packetId;
    return bytes;
  }
  const writer = new PacketWriter();
  writer.uint16(packetId);
  writer.uint8(reasonCode);
  if (withProperties) writeProperties(writer, PacketType[type], packet);
  return writer.finish(first);
}
