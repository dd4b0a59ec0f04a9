/**
 * The numbers of the control packets, as the upper four bits of a packet's first byte, and what its
 * lower four bits must be. Source: MQTT 5.0, tables 2-1 and 2-2.
 */
import type { ProtocolVersion } from "./packet.ts";
import { malformed, type PacketError } from "./packet-error.ts";

export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

export type PacketType = (typeof PacketType)[keyof typeof PacketType];

const FLAG_DUPLICATE = 0b1000;
/** What all but PUBLISH must have; in MQTT 3.1 these bits said "QoS 1", as they still look. */
const FLAGS_OF_REQUESTS = 0b0010;

/** The first byte of a packet that is no PUBLISH. */
export function firstByteOf(type: PacketType): number {
  return (type << 4) | requiredFlags(type);
}

/** What is wrong with a packet's first byte; undefined where nothing is. */
export function firstByteFault(byte: number, version: ProtocolVersion): PacketError | undefined {
  const type = byte >> 4;
  const flags = byte & 0b1111;
  if (type === PacketType.publish) return publishFlagsFault(flags);
  if (type === 0 || (type === PacketType.auth && version < 5)) {
    return malformed(`Packet type ${type} is reserved [section 2.1.2].`);
  }
  const required = requiredFlags(type);
  if (flags === required) return undefined;
  // MQTT 3.1 sends these again with the duplicate flag set; its successors forbid that.
  if (version === 3 && required !== 0 && flags === (required | FLAG_DUPLICATE)) return undefined;
  return malformed(`Packet type ${type} must have the flags ${required} [MQTT-2.1.3-1].`);
}

function requiredFlags(type: number): number {
  const isRequest =
    type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe;
  return isRequest ? FLAGS_OF_REQUESTS : 0;
}

function publishFlagsFault(flags: number): PacketError | undefined {
  const qos = (flags >> 1) & 3;
  if (qos === 3) return malformed("A PUBLISH must not have QoS 3 [MQTT-3.3.1-4].");
  if (qos > 0 || (flags & FLAG_DUPLICATE) === 0) return undefined;
  return malformed("A PUBLISH of QoS 0 must not be a duplicate [MQTT-3.3.1-2].");
}
