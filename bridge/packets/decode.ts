/**
 * From the bytes of one whole control packet to what it says: strict, so that what is answered
 * follows the specification of its version to the letter, or a {@link PacketError} says what does
 * not.
 *
 * Payloads and other binary fields are views into the frame, not copies: whoever keeps one beyond
 * the frame's life copies it. Texts are decoded once, here.
 */
import { decodeAcknowledgement } from "./acknowledgement.ts";
import { decodeAuth } from "./auth.ts";
import { decodeConnack } from "./connack.ts";
import { decodeConnect } from "./connect.ts";
import { decodeDisconnect } from "./disconnect.ts";
import { FixedHeader } from "./fixed-header.ts";
import type { ClientPacket, ProtocolVersion, ServerPacket } from "./packet.ts";
import { malformed, protocolError } from "./packet-error.ts";
import { PacketReader } from "./packet-reader.ts";
import { PacketType } from "./packet-type.ts";
import { decodePublish } from "./publish.ts";
import { decodeSuback, decodeSubscribe } from "./subscribe.ts";
import { decodeUnsuback, decodeUnsubscribe } from "./unsubscribe.ts";

/**
 * What a client sent. `frame` is one whole packet, `version` that of its connection; a CONNECT
 * carries its own.
 *
 * @throws PacketError
 */
export function decodePacket(frame: Buffer, version: ProtocolVersion): ClientPacket {
  return decodeFramedPacket(frame, headerOf(frame, version), version);
}

/**
 * The same for a packet that lies whole among other bytes, where its header has been read already.
 *
 * @throws PacketError
 */
export function decodeFramedPacket(
  bytes: Buffer,
  header: FixedHeader,
  version: ProtocolVersion,
): ClientPacket {
  const reader = new PacketReader(bytes, header.bodyAt, header.end);
  const packet = decodeFromClient(header, reader, version);
  reader.finish();
  return packet;
}

/** What a server sent. @throws PacketError */
export function decodeServerPacket(frame: Buffer, version: ProtocolVersion): ServerPacket {
  const header = headerOf(frame, version);
  const reader = new PacketReader(frame, header.bodyAt, header.end);
  const packet = decodeFromServer(header, reader, version);
  reader.finish();
  return packet;
}

function headerOf(frame: Buffer, version: ProtocolVersion): FixedHeader {
  const header = new FixedHeader();
  if (!header.read(frame, 0, version) || header.end !== frame.length) {
    throw malformed("The packet is not as long as it says [section 2.1.4].");
  }
  return header;
}

function decodeFromClient(
  { type, flags }: FixedHeader,
  reader: PacketReader,
  version: ProtocolVersion,
): ClientPacket {
  switch (type) {
    case PacketType.connect:
      return decodeConnect(reader);
    case PacketType.publish: {
      const packet = decodePublish(reader, flags, version);
      if (packet.subscriptionIds === undefined) return packet;
      throw protocolError("A client must not send subscription identifiers [MQTT-3.3.4-6].");
    }
    case PacketType.subscribe:
      return decodeSubscribe(reader, version);
    case PacketType.unsubscribe:
      return decodeUnsubscribe(reader, version);
    case PacketType.pingreq:
      return { type: "pingreq" };
    case PacketType.disconnect:
      return decodeDisconnect(reader, version, "client");
    case PacketType.auth:
      return decodeAuth(reader, "client");
    default:
      return decodeOfBoth(type, reader, version);
  }
}

function decodeFromServer(
  { type, flags }: FixedHeader,
  reader: PacketReader,
  version: ProtocolVersion,
): ServerPacket {
  switch (type) {
    case PacketType.connack:
      return decodeConnack(reader, version);
    case PacketType.publish:
      return decodePublish(reader, flags, version);
    case PacketType.suback:
      return decodeSuback(reader, version);
    case PacketType.unsuback:
      return decodeUnsuback(reader, version);
    case PacketType.pingresp:
      return { type: "pingresp" };
    case PacketType.disconnect:
      if (version === 5) return decodeDisconnect(reader, version, "server");
      throw protocolError("A server of MQTT 3 sends no DISCONNECT [section 3.14 of MQTT 3.1.1].");
    case PacketType.auth:
      return decodeAuth(reader, "server");
    default:
      return decodeOfBoth(type, reader, version);
  }
}

function decodeOfBoth(type: number, reader: PacketReader, version: ProtocolVersion) {
  switch (type) {
    case PacketType.puback:
      return decodeAcknowledgement(reader, "puback", version);
    case PacketType.pubrec:
      return decodeAcknowledgement(reader, "pubrec", version);
    case PacketType.pubrel:
      return decodeAcknowledgement(reader, "pubrel", version);
    case PacketType.pubcomp:
      return decodeAcknowledgement(reader, "pubcomp", version);
    default:
      throw protocolError(`Packet type ${type} goes the other way only [section 2.1.2].`);
  }
}
