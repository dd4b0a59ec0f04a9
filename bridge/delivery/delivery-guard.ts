/**
 * Decides, for each message and subscriber, whether it is sent: aedes's `authorizeForward`.
 *
 *  - Overlapping subscriptions of one client get one copy. aedes keeps only the highest counter seen
 *    and takes whatever arrives below it for a copy, so a message that was overtaken (a retained one
 *    waits for its store) would be lost. Copies of one message come in one go: it is enough to
 *    remember the last one sent.
 *  - A subscriber whose socket holds too much is disconnected: its session keeps what it missed.
 */

import type { AedesPublishPacket, Client } from "aedes";
import { Refusal } from "../refusals.ts";

interface LastSent {
  brokerId: string | undefined;
  brokerCounter: number;
}

export class DeliveryGuard {
  readonly #bufferBytesMax: number;
  readonly #lastSent = new WeakMap<Client, LastSent>();

  constructor(subscriberBufferBytesMax: number) {
    this.#bufferBytesMax = subscriberBufferBytesMax;
  }

  /** Takes over from aedes's own test for copies, which only this broker's id can trigger. */
  adopt(client: Client, brokerId: string): void {
    const { duplicates } = client as Client & { duplicates: object };
    Object.defineProperty(duplicates, brokerId, { get: () => 0, set: () => {} });
  }

  forward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    // What comes from the client's queue has its identifier already, and is never a copy.
    if (packet.messageId === undefined && this.#isCopy(client, packet)) return null;
    const waitingBytes = client.conn.writableLength;
    if (waitingBytes <= this.#bufferBytesMax) return packet;
    client.conn.destroy(
      new Refusal(
        "slow-subscriber",
        `The subscriber does not read: ${waitingBytes} bytes wait for it (subscriberBufferBytesMax).`,
      ),
    );
    return null;
  }

  #isCopy(client: Client, { brokerId, brokerCounter }: AedesPublishPacket): boolean {
    if (!brokerId) return false;
    const last = this.#lastSent.get(client);
    if (last === undefined) {
      this.#lastSent.set(client, { brokerId, brokerCounter });
      return false;
    }
    if (last.brokerCounter === brokerCounter && last.brokerId === brokerId) return true;
    last.brokerId = brokerId;
    last.brokerCounter = brokerCounter;
    return false;
  }
}
