/**
 * What the specification says of a client's bytes, as far as the packets alone tell: read from front
 * to back without a gateway, so that what a gateway does can be held against it.
 */
import { decodeFramedPacket } from "../../../bridge/packets/decode.ts";
import { FixedHeader } from "../../../bridge/packets/fixed-header.ts";
import type { ClientPacket, ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { PacketError } from "../../../bridge/packets/packet-error.ts";
import { PacketType } from "../../../bridge/packets/packet-type.ts";
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";

export interface Verdict {
  /**
   * `fault`: the connection must end; `left`: the client has said goodbye; `waiting`: the last packet
   * is not whole; `sound`: all was said.
   */
  readonly end: "fault" | "left" | "waiting" | "sound";
  /** Of a fault: what MQTT 5 has for it. */
  readonly reasonCode: ReasonCode | undefined;
  /** Whole packets before the end. */
  readonly packets: readonly ClientPacket[];
}

/** `packetBytesMax`: larger ones are refused. */
export function verdictOn(bytes: Buffer, packetBytesMax: number): Verdict {
  const packets: ClientPacket[] = [];
  const header = new FixedHeader();
  let version: ProtocolVersion | undefined;
  let at = 0;
  const fault = (reasonCode: ReasonCode): Verdict => ({ end: "fault", reasonCode, packets });
  try {
    while (header.read(bytes, at, version)) {
      const { end, type } = header;
      if (type === PacketType.connect && version !== undefined) {
        return fault(ReasonCode.protocolError);
      }
      if (end - at > packetBytesMax) return fault(ReasonCode.packetTooLarge);
      if (end > bytes.length) break;
      const packet = decodeFramedPacket(bytes, header, version ?? 4);
      if (packet.type === "connect") version = packet.protocolVersion;
      packets.push(packet);
      at = end;
      if (packet.type === "auth") return fault(ReasonCode.protocolError);
      if (packet.type === "disconnect") return { end: "left", reasonCode: undefined, packets };
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return fault(error.reasonCode);
  }
  return { end: at < bytes.length ? "waiting" : "sound", reasonCode: undefined, packets };
}
