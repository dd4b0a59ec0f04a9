/**
 * One subscribing connection of a load: finds the PUBLISH frames in what comes, acknowledges a
 * chunk's worth of them in one write, and hands on each one's mark.
 */
import type { Socket } from "node:net";
import { generate } from "mqtt-packet";
import { openSession } from "./session.ts";

export interface SubscriberOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly filter: string;
  readonly qos: 0 | 1;
  /** Called for each message with the mark that its payload begins with. */
  readonly onMessage: (publisher: number, nth: number) => void;
  /** Called after each chunk of them. */
  readonly onChunk: () => void;
}

const PUBLISH = 0x30;
const SUBACK = 0x90;
const PUBACK_BYTES = 4;
const LENGTH_BYTES_MAX = 4;

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #acknowledgements: number[] = [];
  #onSuback: (() => void) | undefined;
  #failed: Error | undefined;

  private constructor(socket: Socket, options: SubscriberOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed a subscribing connection")));
    socket.resume();
  }

  /** Resolves when the server has acknowledged the subscription. */
  static async open(options: SubscriberOptions): Promise<Subscriber> {
    const { socket } = await openSession(options);
    const subscriber = new Subscriber(socket, options);
    await subscriber.#subscribe();
    return subscriber;
  }

  check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  async #subscribe(): Promise<void> {
    const { filter: topic, qos } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#onSuback = resolve;
      this.#socket.once("close", () => reject(this.#failed ?? new Error("closed")));
      const subscriptions = [{ topic, qos }];
      this.#socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
    });
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = frameEnd(bytes, at);
      if (end === undefined || end > bytes.length) break;
      this.#frame(bytes, at, end);
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    this.#acknowledge();
    this.#options.onChunk();
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    const first = bytes[at] ?? 0;
    if (first === SUBACK) {
      if ((bytes[end - 1] ?? 0x80) >= 0x80) this.#fail(new Error("the subscription was refused"));
      this.#onSuback?.();
      return;
    }
    if ((first & 0xf0) !== PUBLISH) return this.#fail(new Error(`got an unexpected ${first}`));
    let bodyAt = at + 1;
    while ((bytes[bodyAt] ?? 0) >= 0x80) bodyAt += 1;
    const afterTopic = bodyAt + 1 + 2 + bytes.readUInt16BE(bodyAt + 1);
    const qos = (first >> 1) & 3;
    if (qos > 0) this.#acknowledgements.push(bytes.readUInt16BE(afterTopic));
    const payloadAt = qos > 0 ? afterTopic + 2 : afterTopic;
    this.#options.onMessage(bytes.readUInt16BE(payloadAt), bytes.readUInt16BE(payloadAt + 2));
  }

  #acknowledge(): void {
    if (this.#acknowledgements.length === 0) return;
    const bytes = Buffer.allocUnsafe(this.#acknowledgements.length * PUBACK_BYTES);
    for (const [nth, packetId] of this.#acknowledgements.entries()) {
      bytes.writeUInt16BE(0x4002, nth * PUBACK_BYTES);
      bytes.writeUInt16BE(packetId, nth * PUBACK_BYTES + 2);
    }
    this.#acknowledgements = [];
    this.#socket.write(bytes);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#socket.destroy();
  }
}

/** Where the frame that begins at `at` ends; undefined where its length is not there yet. */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  let length = 0;
  for (let nth = 0; nth < LENGTH_BYTES_MAX; nth += 1) {
    const byte = bytes[at + 1 + nth];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) << (7 * nth);
    if (byte < 0x80) return at + 2 + nth + length;
  }
  throw new Error("a frame's length has no end");
}
