/** One connection to the gateway's Kafka listener that may send anything, and takes what comes back. */
import { connect, type Socket } from "node:net";
import { WireWriter } from "../../../../src/wire/writer.ts";

const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;
const FRAMES_KEPT_MAX = 64;
const LENGTH_BYTES = 4;
const CORRELATION_ID_BYTES = 4;

export interface RequestHead {
  readonly key: number;
  readonly version: number;
  readonly flexible: boolean;
  readonly clientId?: string | null;
}

export class RawKafka {
  readonly socket: Socket;
  closed = false;
  /** Responses by correlation id, the last that came. */
  readonly frames = new Map<number, Buffer>();
  /** What came is no sequence of frames. */
  unreadable = false;
  #rest: Buffer[] = [];
  #restBytes = 0;
  readonly #waiting = new Set<() => void>();
  #nextId = 1;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#received(chunk));
    this.socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** A request's frame, with its correlation id. */
  frame({ key, version, flexible, clientId = "fuzz" }: RequestHead, body: Uint8Array) {
    const id = this.#nextId++;
    const writer = WireWriter.frame(false).int16(key).int16(version).int32(id);
    writer.nullableString(clientId);
    if (flexible) writer.int8(0);
    return { id, bytes: Buffer.concat(writer.raw(body).finishFrame()) };
  }

  send(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** The response's frame; undefined where the connection closes, or none comes in time. */
  async answer(id: number, waitMs: number): Promise<Buffer | undefined> {
    await this.until(() => this.frames.has(id), waitMs);
    const frame = this.frames.get(id);
    this.frames.delete(id);
    return frame;
  }

  /** Whether it has come to that, before the connection closes or the time is over. */
  async until(holds: () => boolean, waitMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + waitMs;
    while (!holds()) {
      const leftMs = deadlineMs - performance.now();
      if (this.closed || leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
    return true;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    for (let wanted = this.#wanted(); this.#restBytes >= wanted; wanted = this.#wanted()) {
      const whole = Buffer.concat(this.#rest);
      if (this.frames.size >= FRAMES_KEPT_MAX) this.frames.clear();
      this.frames.set(whole.readInt32BE(LENGTH_BYTES), Buffer.from(whole.subarray(4, wanted)));
      this.#rest = [whole.subarray(wanted)];
      this.#restBytes -= wanted;
    }
    this.#wake();
  }

  /** Bytes until the next response is whole, its length included. */
  #wanted(): number {
    if (this.#restBytes < LENGTH_BYTES) return Number.POSITIVE_INFINITY;
    let [first = Buffer.alloc(0)] = this.#rest;
    if (first.length < LENGTH_BYTES) {
      first = Buffer.concat(this.#rest);
      this.#rest = [first];
    }
    const length = first.readInt32BE(0);
    if (length >= CORRELATION_ID_BYTES && length <= RESPONSE_BYTES_MAX)
      return LENGTH_BYTES + length;
    this.unreadable = true;
    this.socket.destroy();
    return Number.POSITIVE_INFINITY;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
