/**
 * The requests of one connection that are read and not yet answered. Owner of those that are not begun,
 * of how many there are in all, and of the bytes that they came in, as long as these are needed; all
 * connections together count them too. One that has begun counts until it is answered, though its
 * client be gone: it is worked on all the same.
 *
 * A request that waits ({@link KafkaApi.waits}) counts no bytes, but those behind it do. Where memory for
 * requests lacks, it must not keep them: it has to be answered at once.
 */
import type { ConnectionMemory } from "./connection-memory.ts";

/** What is still needed of a request as it came, and counted. */
export interface HeldRequest {
  frame: Buffer | undefined;
  bytes: number;
}

export class RequestsInFlight {
  readonly #memory: ConnectionMemory;
  readonly #waiting: Buffer[] = [];
  #hurry: AbortController | undefined;
  #count = 0;
  #bytes = 0;
  #ended = false;

  constructor(memory: ConnectionMemory) {
    this.#memory = memory;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(frame: Buffer): void {
    this.#waiting.push(frame);
    this.#count += 1;
    this.#bytes += frame.length;
    this.#memory.request(frame.length);
    if (this.#memory.requestsFull) this.hurry();
  }

  /** The next to begin; it counts on until it is `answered` or `dropped`. */
  shift(): (HeldRequest & { frame: Buffer }) | undefined {
    const frame = this.#waiting.shift();
    return frame === undefined ? undefined : { frame, bytes: frame.length };
  }

  /** The request that begins now waits: answers what aborts when it must not any longer. */
  beginWait(): AbortSignal {
    this.#hurry = new AbortController();
    if (this.#ended) this.#hurry.abort();
    return this.#hurry.signal;
  }

  /** It has begun, and nothing refers to its bytes any more. */
  waits(held: HeldRequest): void {
    this.#release(held);
    held.frame = undefined;
    this.#memory.waits(this);
    if (this.#memory.requestsFull) this.hurry();
  }

  /** Others need the memory of what stands behind the request that waits. */
  hurry(): void {
    if (this.#bytes > 0) this.#hurry?.abort();
  }

  /** It is not going to begin. */
  dropped(held: HeldRequest): void {
    this.#count -= 1;
    this.#release(held);
  }

  answered(held: HeldRequest): void {
    this.dropped(held);
    if (this.#hurry === undefined) return;
    this.#hurry = undefined;
    this.#memory.waitsNoMore(this);
  }

  /** No answer is wanted any more: begins nothing further. */
  leave(): void {
    this.#ended = true;
    let bytes = 0;
    for (const frame of this.#waiting) bytes += frame.length;
    this.#count -= this.#waiting.length;
    this.#waiting.length = 0;
    this.#bytes -= bytes;
    this.#memory.requestDone(bytes);
    this.#hurry?.abort();
  }

  /** The connection is closed. */
  forget(): void {
    this.leave();
    this.#memory.waitsNoMore(this);
  }

  #release(held: HeldRequest): void {
    const { bytes } = held;
    held.bytes = 0;
    this.#bytes -= bytes;
    this.#memory.requestDone(bytes);
  }
}
