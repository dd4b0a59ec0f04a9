/**
 * AUTH, one step of enhanced authentication, of MQTT 5 alone.
 *
 *     uint8      reason code
 *     properties
 *
 * Both are left out where the code is 0 and there are no properties. Source: MQTT 5.0, section
 * 3.15.
 */
import { assert } from "../../src/base/errors.ts";
import type { AuthPacket, ProtocolVersion } from "./packet.ts";
import { protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { hasProperties, readProperties, writeProperties } from "./properties.ts";
import {
  AUTH_CODES_OF_CLIENT,
  AUTH_CODES_OF_SERVER,
  checkReasonCode,
} from "./reason-code-rules.ts";
import { ReasonCode } from "./reason-codes.ts";

export function decodeAuth(reader: PacketReader, sender: "client" | "server"): AuthPacket {
  const allowed = sender === "client" ? AUTH_CODES_OF_CLIENT : AUTH_CODES_OF_SERVER;
  const whole = reader.remaining > 0;
  const reasonCode = checkReasonCode(whole ? reader.uint8() : ReasonCode.success, allowed);
  if (!whole) return { type: "auth", reasonCode };
  const properties = readProperties(reader, PacketType.auth);
  if (properties.authenticationMethod === undefined) {
    throw protocolError("An AUTH must name its authentication method [section 3.15.2.2.2].");
  }
  return { type: "auth", reasonCode, ...properties };
}

export function encodeAuth(packet: AuthPacket, version: ProtocolVersion): Buffer {
  assert(version === 5, "AUTH is of MQTT 5 alone");
  const writer = new PacketWriter();
  if (packet.reasonCode !== 0 || hasProperties(PacketType.auth, packet)) {
    writer.uint8(packet.reasonCode);
    writeProperties(writer, PacketType.auth, packet);
  }
  return writer.finish(firstByteOf(PacketType.auth));
}
