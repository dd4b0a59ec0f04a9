/**
 * How a client wants to be spoken to, as its CONNECT says: its version, the largest packet that it
 * takes, how many messages before it acknowledges, topic aliases, whether it wants to be told what
 * is wrong. Immutable but for the aliases, which last as long as the connection.
 *
 * Source: MQTT 5.0, section 3.1.2.11.
 */
import { encodePacket } from "../packets/encode.ts";
import {
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  PACKET_ID_MAX,
  type ProtocolVersion,
  type ServerPacket,
} from "../packets/packet.ts";
import { allowedCode } from "../packets/reason-code-rules.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { OutgoingAliases } from "../session/outgoing-aliases.ts";
import type { SubscriberTerms } from "../session/subscriber-connection.ts";
import { withoutProblem } from "./problem-information.ts";

export class ClientTerms implements SubscriberTerms {
  readonly version: ProtocolVersion;
  readonly receiveMaximum: number;
  readonly packetBytesMax: number;
  readonly aliases: OutgoingAliases;
  readonly #tellsProblems: boolean;

  /** `connect`: what is known of it, where it could not be read to its end. */
  constructor(connect: Partial<ConnectPacket>, topicAliasesMax: number) {
    this.version = connect.protocolVersion ?? 4;
    this.receiveMaximum = connect.receiveMaximum ?? PACKET_ID_MAX;
    this.packetBytesMax = connect.maximumPacketBytes ?? Number.POSITIVE_INFINITY;
    this.aliases = new OutgoingAliases(Math.min(connect.topicAliasMaximum ?? 0, topicAliasesMax));
    this.#tellsProblems = connect.requestProblemInformation ?? true;
  }

  /** Without what the client does not want to know [MQTT-3.1.2-29], or has no room for. */
  encode(packet: ServerPacket): Buffer {
    const told = this.#tellsProblems || packet.type === "connack" || packet.type === "disconnect";
    return encodePacket(told ? packet : withoutProblem(packet), this.version, this.packetBytesMax);
  }

  /** Nothing larger may be sent to it [MQTT-3.1.2-24]. */
  takes(bytes: Buffer): boolean {
    return bytes.length <= this.packetBytesMax;
  }

  tooLarge({ length }: Buffer): ProtocolRefusal {
    const message = `The answer has ${length} bytes, and the client takes ${this.packetBytesMax}.`;
    return new ProtocolRefusal("packet-too-large", ReasonCode.packetTooLarge, message);
  }
}

/** Until the client has said how it wants to be spoken to. */
export const UNSPOKEN = new ClientTerms({}, 0);

/** The answer to a CONNECT that is refused. */
export function refusalOf(reasonCode: ReasonCode, reasonString: string | undefined): ConnackPacket {
  return {
    type: "connack",
    sessionPresent: false,
    reasonCode: allowedCode("connack", reasonCode),
    ...(reasonString !== undefined && { reasonString }),
  };
}

/** The gateway's last word to a client of MQTT 5. */
export function farewellOf(
  reasonCode: ReasonCode,
  reasonString: string | undefined,
): DisconnectPacket {
  return {
    type: "disconnect",
    reasonCode: allowedCode("disconnect", reasonCode),
    ...(reasonString !== undefined && { reasonString }),
  };
}
