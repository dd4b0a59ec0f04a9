/** What a client that asked for no problem information is sent of a packet. */
import type { ServerPacket } from "../packets/packet.ts";

/** [MQTT-3.1.2-29]: a client may ask not to be told more than the code. */
export function withoutProblem(packet: ServerPacket): ServerPacket {
  if (!("reasonString" in packet) && !("userProperties" in packet)) return packet;
  const {
    reasonString: _,
    userProperties: __,
    ...rest
  } = packet as ServerPacket & {
    reasonString?: string;
    userProperties?: unknown;
  };
  return rest as ServerPacket;
}
