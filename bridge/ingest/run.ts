/**
 * Frames of one chunk, one behind another, that lead to the same place and are not in the log yet:
 * PUBLISHes of one QoS. What is the same for all of them is found out once.
 */
import { Slices } from "../../src/wire/slices.ts";
import type { Qos } from "../packets/packet.ts";
import type { Chunk } from "./chunk.ts";
import type { Destination } from "./destinations.ts";

/** Frames that go into the log together. */
const RUN_MAX = 1024;

export class Run {
  /** Undefined: there is no run. */
  destination: Destination | undefined;
  qos: Qos = 0;
  /** So far before its payload a frame's packet identifier stands, or would. */
  idBefore = 0;
  readonly payloads = new Slices(RUN_MAX);
  /** The topic of the frame that was added last, by {@link add}. */
  #topicAt = 0;
  #topicEnd = 0;

  begin(destination: Destination, qos: Qos, idBefore: number): void {
    this.destination = destination;
    this.qos = qos;
    this.idBefore = idBefore;
  }

  end(): void {
    this.destination = undefined;
    this.payloads.clear();
  }

  /** It must go into the log before more is added. */
  get isFull(): boolean {
    return this.payloads.count === RUN_MAX;
  }

  /** Whether such a frame can be one of it. */
  fits(destination: Destination, qos: Qos, idBefore: number): boolean {
    return destination === this.destination && qos === this.qos && idBefore === this.idBefore;
  }

  add(topicAt: number, topicEnd: number, payloadAt: number, end: number): void {
    this.#topicAt = topicAt;
    this.#topicEnd = topicEnd;
    this.payloads.add(payloadAt, end);
  }

  /** The place it leads to, if that is also where the topic from `from` to `to` of the chunk does. */
  destinationOf(chunk: Chunk, from: number, to: number): Destination | undefined {
    const bytes = to - from;
    if (this.destination === undefined || bytes === 0) return undefined;
    if (bytes !== this.#topicEnd - this.#topicAt) return undefined;
    return chunk.isSame(this.#topicAt, from, bytes) ? this.destination : undefined;
  }

  /**
   * Adds what follows upon its last frame, from `at` to `end`, and is like it: the same bytes up to the
   * packet identifier, the same properties, and as long. Answers where the last of them ends.
   */
  addAlike(chunk: Chunk, at: number, end: number): number {
    if (this.destination === undefined) return end;
    const { bytes } = chunk;
    const { payloads } = this;
    const frameBytes = end - at;
    const headBytes = this.#topicEnd - at;
    const idBytes = 2 * this.qos;
    const propertyBytes = this.idBefore - idBytes;
    let next = end;
    // One place is left: it is the next frame's, with which the run is full.
    while (payloads.count < RUN_MAX - 1 && next + frameBytes <= bytes.length) {
      const idAt = next + headBytes;
      if (!chunk.isSame(at, next, headBytes)) break;
      if (idBytes > 0 && bytes[idAt] === 0 && bytes[idAt + 1] === 0) break;
      const propertiesAt = idAt + idBytes;
      if (!chunk.isSame(this.#topicEnd + idBytes, propertiesAt, propertyBytes)) break;
      next += frameBytes;
      payloads.add(propertiesAt + propertyBytes, next);
    }
    return next;
  }
}
