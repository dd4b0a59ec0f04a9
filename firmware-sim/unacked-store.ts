import { Readable } from "node:stream";
import type { IStore, Packet } from "mqtt";

/**
 * What a device keeps until the broker answers: its unacknowledged packets, in the order sent. After
 * a reconnect mqtt.js reads them back and sends them again; a PUBLISH then bears the DUP flag
 * [MQTT-3.3.1-1], which mqtt.js itself leaves out. Bounded by the link's window.
 */
export class UnackedStore implements IStore {
  readonly #packets = new Map<number, Packet>();

  put(packet: Packet, done: (error?: Error) => void): this {
    // A PUBREL takes its PUBLISH's place: the message itself has arrived.
    this.#packets.set(packet.messageId ?? 0, packet);
    done();
    return this;
  }

  createStream(): ReturnType<IStore["createStream"]> {
    const again = [...this.#packets.values()].map((packet) =>
      packet.cmd === "publish" ? { ...packet, dup: true } : packet,
    );
    return Readable.from(again) as unknown as ReturnType<IStore["createStream"]>;
  }

  del(packet: Pick<Packet, "messageId">, done: (error?: Error, packet?: Packet) => void): this {
    const kept = this.#packets.get(packet.messageId ?? 0);
    if (kept === undefined) {
      done(new Error(`no unacknowledged packet ${packet.messageId}`));
      return this;
    }
    this.#packets.delete(packet.messageId ?? 0);
    done(undefined, kept);
    return this;
  }

  get(packet: Pick<Packet, "messageId">, done: (error?: Error, packet?: Packet) => void): this {
    const kept = this.#packets.get(packet.messageId ?? 0);
    if (kept === undefined) done(new Error(`no unacknowledged packet ${packet.messageId}`));
    else done(undefined, kept);
    return this;
  }

  close(done: (error?: Error) => void): void {
    done();
  }
}
