/**
 * DISCONNECT, with which a client of any version says goodbye, and a server of MQTT 5.
 *
 *     uint8      (5) reason code; left out where it is 0 and there are no properties
 *     (5)        properties; left out where there are none
 *
 * Source: MQTT 5.0, section 3.14.
 */
import type { DisconnectPacket, ProtocolVersion } from "./packet.ts";
import { protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { hasProperties, readProperties, writeProperties } from "./properties.ts";
import {
  checkReasonCode,
  DISCONNECT_CODES_OF_CLIENT,
  DISCONNECT_CODES_OF_SERVER,
} from "./reason-code-rules.ts";
import { ReasonCode } from "./reason-codes.ts";

export function decodeDisconnect(
  reader: PacketReader,
  version: ProtocolVersion,
  sender: "client" | "server",
): DisconnectPacket {
  if (version < 5 || reader.remaining === 0) {
    return { type: "disconnect", reasonCode: ReasonCode.normalDisconnection };
  }
  const isClient = sender === "client";
  const allowed = isClient ? DISCONNECT_CODES_OF_CLIENT : DISCONNECT_CODES_OF_SERVER;
  const reasonCode = checkReasonCode(reader.uint8(), allowed);
  if (reader.remaining === 0) return { type: "disconnect", reasonCode };
  const properties = readProperties(reader, PacketType.disconnect);
  if (isClient && properties.serverReference !== undefined) {
    throw protocolError("Only a server names another server [section 3.14.2.2.5].");
  }
  if (!isClient && properties.sessionExpirySeconds !== undefined) {
    throw protocolError("A server must not send a session's expiry [MQTT-3.14.2-2].");
  }
  return { type: "disconnect", reasonCode, ...properties };
}

export function encodeDisconnect(packet: DisconnectPacket, version: ProtocolVersion): Buffer {
  const writer = new PacketWriter();
  const withProperties = version === 5 && hasProperties(PacketType.disconnect, packet);
  if (version === 5 && (packet.reasonCode !== 0 || withProperties)) {
    writer.uint8(packet.reasonCode);
    if (withProperties) writeProperties(writer, PacketType.disconnect, packet);
  }
  return writer.finish(firstByteOf(PacketType.disconnect));
}
