/**
 * One publishing connection of a load: hands slices of its ring to the socket, counts what comes
 * back, and never has more on the way than its window.
 */
import type { Socket } from "node:net";
import { type FrameKind, type FrameRing, frameRing, publishFrame } from "./frames.ts";
import { openSession } from "./session.ts";

export interface PublisherOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** Which publisher of the load it is, from 0. */
  readonly number: number;
  readonly topic: string;
  readonly payloadBytes: number;
  readonly qos: 0 | 1;
  readonly inFlight: number;
  readonly protocol: 4 | 5;
  readonly topicAlias: boolean;
}

const PUBACK = 0x40;
const PUBACK_BYTES = 4;
const PINGREQ = Buffer.from([0xc0, 0]);
const PINGRESP = 0xd0;
const DISCONNECT = 0xe0;
const NOTHING = Buffer.alloc(0);
const RING_FRAMES_MAX = 65_535;
/** What a QoS 0 publisher hands to the socket at once. */
const BURST_FRAMES = 500;
const ALIAS = 1;
/** Of a full window this many latencies are kept: sorting all would cost more than the load. */
const SAMPLES_A_WINDOW = 10;

export class Publisher {
  sent = 0;
  acknowledged = 0;
  readonly latenciesMs: number[] = [];
  /** The window, or what the server allows where that is less. */
  readonly inFlight: number;
  readonly #socket: Socket;
  readonly #ring: FrameRing;
  readonly #qos: 0 | 1;
  readonly #sentAtMs: Float64Array;
  readonly #sampled: number;
  #cursor = 0;
  #allowance = 0;
  #rest: Buffer = NOTHING;
  #onPingresp: (() => void) | undefined;
  #failed: Error | undefined;

  private constructor(socket: Socket, ring: FrameRing, qos: 0 | 1, inFlight: number) {
    this.#socket = socket;
    this.#ring = ring;
    this.#qos = qos;
    this.inFlight = inFlight;
    this.#sentAtMs = new Float64Array(ring.count);
    this.#sampled = Math.max(1, Math.floor(inFlight / SAMPLES_A_WINDOW));
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("drain", () => this.send());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed a publishing connection")));
    socket.resume();
  }

  static async open(options: PublisherOptions): Promise<Publisher> {
    const { topic, qos, payloadBytes, protocol } = options;
    const { socket, receiveMax, topicAliasMax } = await openSession(options);
    const kind: FrameKind = { topic, payloadBytes, qos, protocol, publisher: options.number };
    const inFlight = Math.min(options.inFlight, receiveMax);
    const frames = Math.min(RING_FRAMES_MAX, inFlight * 2);
    const inOne = Math.min(frames, qos > 0 ? inFlight : BURST_FRAMES);
    if (!options.topicAlias) {
      return new Publisher(socket, frameRing(kind, frames, inOne), qos, inFlight);
    }
    if (topicAliasMax < ALIAS) throw new Error("the server allows no topic alias");
    const introduction = publishFrame({ ...kind, qos: 0, alias: ALIAS });
    socket.write(introduction);
    const ring = frameRing({ ...kind, topic: "", alias: ALIAS }, frames, inOne);
    const publisher = new Publisher(socket, ring, qos, inFlight);
    publisher.sent = 1;
    publisher.acknowledged = 1;
    return publisher;
  }

  /** Lets it send that many more; `Infinity` until {@link hold}. */
  allow(messages: number): void {
    this.#allowance += messages;
    this.send();
  }

  /** When the nth message of its ring was sent, the last time. */
  sentAtMs(nth: number): number {
    return this.#sentAtMs[nth] ?? 0;
  }

  hold(): void {
    this.#allowance = 0;
  }

  get pending(): number {
    return this.sent - this.acknowledged;
  }

  send(): void {
    while (!this.#socket.writableNeedDrain) {
      const room = this.#qos > 0 ? this.inFlight - this.pending : BURST_FRAMES;
      const count = Math.min(room, Math.floor(this.#allowance), this.#ring.inOne);
      if (count <= 0) return;
      this.#hand(count);
    }
  }

  /** Resolves when the server has taken all that was sent before: it answers a PINGREQ after it. */
  async barrier(): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("close", () => reject(this.#failed ?? new Error("closed")));
      this.#onPingresp = resolve;
      this.#socket.write(PINGREQ);
    });
  }

  /** @throws what has become of the connection, where it is gone */
  check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  /** In one write, also where the ring begins anew: two would be two reads for the server. */
  #hand(count: number): void {
    const { bytes, frameBytes } = this.#ring;
    const from = this.#cursor;
    const end = from + count;
    const nowMs = performance.now();
    this.#sentAtMs.fill(nowMs, from, end);
    this.#socket.write(bytes.subarray(from * frameBytes, end * frameBytes));
    this.#cursor = end % this.#ring.count;
    if (end > this.#ring.count) this.#sentAtMs.fill(nowMs, 0, this.#cursor);
    this.#allowance -= count;
    this.sent += count;
    if (this.#qos === 0) this.acknowledged += count;
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const nowMs = performance.now();
    let at = this.#takePubacks(bytes, nowMs);
    for (; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0)) {
      if (at + 2 + (bytes[at + 1] ?? 0) > bytes.length) break;
      if (bytes[at] === PUBACK) this.#acknowledge(bytes, at, nowMs);
      else if (bytes[at] === PINGRESP) this.#onPingresp?.();
      else this.#fail(unexpected(bytes, at));
    }
    this.#rest = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
    if (this.#qos > 0) this.send();
  }

  /** Those at the beginning that have no reason code, which is the rule; answers where they end. */
  #takePubacks(bytes: Buffer, nowMs: number): number {
    let end = 0;
    while (bytes[end] === PUBACK && bytes[end + 1] === 2) end += PUBACK_BYTES;
    if (end > bytes.length) end -= PUBACK_BYTES;
    const count = end / PUBACK_BYTES;
    const before = this.acknowledged % this.#sampled;
    this.acknowledged += count;
    for (let nth = this.#sampled - before; nth <= count; nth += this.#sampled) {
      this.#sample(bytes, (nth - 1) * PUBACK_BYTES, nowMs);
    }
    return end;
  }

  #acknowledge(bytes: Buffer, at: number, nowMs: number): void {
    if ((bytes[at + 1] ?? 0) > 2 && (bytes[at + 4] ?? 0) >= 0x80) {
      this.#fail(new Error(`a message was refused with reason code ${bytes[at + 4]}`));
    }
    this.acknowledged += 1;
    if (this.acknowledged % this.#sampled === 0) this.#sample(bytes, at, nowMs);
  }

  #sample(bytes: Buffer, at: number, nowMs: number): void {
    const nth = bytes.readUInt16BE(at + 2) - 1;
    this.latenciesMs.push(nowMs - this.sentAtMs(nth));
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#allowance = 0;
    this.#socket.destroy();
  }
}

function unexpected(bytes: Buffer, at: number): Error {
  if (bytes[at] === DISCONNECT) return new Error(`the server disconnected: ${bytes[at + 2]}`);
  return new Error(`expected a PUBACK, got type ${bytes[at]}`);
}
