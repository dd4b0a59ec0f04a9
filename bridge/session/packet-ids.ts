/** Packet identifiers for what is sent to one client: 1 to 65,535 in turn, none of those in use. */
import { PACKET_ID_MAX } from "../packets/packet.ts";

export class PacketIds {
  #last = 0;

  next(inUse: { has(packetId: number): boolean }): number {
    do {
      this.#last = (this.#last % PACKET_ID_MAX) + 1;
    } while (inUse.has(this.#last));
    return this.#last;
  }
}
