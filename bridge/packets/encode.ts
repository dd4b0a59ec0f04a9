/**
 * From a packet to its bytes, of whatever version: what a version does not have is left out, or put
 * in its older form. The hot way of a PUBLISH to many subscribers is {@link OutgoingPublish}.
 */
import { encodeAcknowledgement } from "./acknowledgement.ts";
import { encodeAuth } from "./auth.ts";
import { encodeConnack } from "./connack.ts";
import { encodeConnect } from "./connect.ts";
import { encodeDisconnect } from "./disconnect.ts";
import type { ClientPacket, ProtocolVersion, ServerPacket } from "./packet.ts";
import { firstByteOf, PacketType } from "./packet-type.ts";
import { encodePublish } from "./publish.ts";
import { encodeSuback, encodeSubscribe } from "./subscribe.ts";
import { encodeUnsuback, encodeUnsubscribe } from "./unsubscribe.ts";

type Packet = ClientPacket | ServerPacket;

/**
 * A CONNECT is of its own version. Where the packet would exceed `packetBytesMax`, and its reason
 * is told in properties, those are left out: user properties first, then the reason string
 * [MQTT-3.2.2-19], [MQTT-3.2.2-20] and their like. What then still exceeds it is answered as it is:
 * whether it may be sent is the caller's to see.
 */
export function encodePacket(
  packet: Packet,
  version: ProtocolVersion,
  packetBytesMax: number = Number.POSITIVE_INFINITY,
): Buffer {
  const whole = encode(packet, version);
  if (whole.length <= packetBytesMax || version < 5 || !canTellLess(packet)) return whole;
  const { userProperties: _, ...withReason } = packet;
  const shorter = encode(withReason, version);
  if (shorter.length <= packetBytesMax) return shorter;
  const { reasonString: __, ...bare } = withReason;
  return encode(bare, version);
}

type Telling = Extract<Packet, { readonly reasonString?: string }>;

/** Packets that have a reason string: what they say otherwise does not need user properties. */
function canTellLess(packet: Packet): packet is Telling {
  switch (packet.type) {
    case "connect":
    case "publish":
    case "subscribe":
    case "unsubscribe":
    case "pingreq":
    case "pingresp":
      return false;
    default:
      return true;
  }
}

function encode(packet: Packet, version: ProtocolVersion): Buffer {
  switch (packet.type) {
    case "connect":
      return encodeConnect(packet);
    case "connack":
      return encodeConnack(packet, version);
    case "publish":
      return encodePublish(packet, version);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return encodeAcknowledgement(packet, version);
    case "subscribe":
      return encodeSubscribe(packet, version);
    case "suback":
      return encodeSuback(packet, version);
    case "unsubscribe":
      return encodeUnsubscribe(packet, version);
    case "unsuback":
      return encodeUnsuback(packet, version);
    case "pingreq":
    case "pingresp":
      return Buffer.from([firstByteOf(PacketType[packet.type]), 0]);
    case "disconnect":
      return encodeDisconnect(packet, version);
    case "auth":
      return encodeAuth(packet, version);
  }
}
