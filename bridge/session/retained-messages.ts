/**
 * The last retained message of each topic, under `retained/<topic>` (`retained~<SHA-256>` where the
 * topic is too long for a key). Topics and sizes are mirrored in memory, payloads stay on disk.
 *
 * Invariant: in one run of the gateway a topic's retained message is never replaced by an older one,
 * whatever the order in which they are stored.
 */
import { createHash } from "node:crypto";
import type { KeyValues } from "../../src/log/contract.ts";
import { TopicFilter } from "../routes/topic-filter.ts";
import { decodePacket, encodePacket, type StoredPacket } from "./stored-packet.ts";

const TOPIC_IN_KEY_BYTES_MAX = 1_000;
/** Deleted topics whose last counter is remembered, for the invariant. */
const CLEARED_MAX = 10_000;

export interface RetainedLimits {
  readonly retainedMessagesMax: number;
  readonly retainedBytesMax: number;
}

interface Held {
  readonly bytes: number;
  readonly counter: number;
}

export class RetainedMessages {
  readonly #store: KeyValues;
  readonly #limits: RetainedLimits;
  readonly #refused: (topic: string) => void;
  readonly #held = new Map<string, Held>();
  readonly #cleared = new Map<string, number>();
  #bytes = 0;

  constructor(store: KeyValues, limits: RetainedLimits, refused: (topic: string) => void) {
    this.#store = store;
    this.#limits = limits;
    this.#refused = refused;
    for (const [, value] of store.entries({ start: "retained/", end: "retained0" })) {
      this.#load(value);
    }
    for (const [, value] of store.entries({ start: "retained~", end: "retained\u007f" })) {
      this.#load(value);
    }
  }

  get count(): number {
    return this.#held.size;
  }

  /** Stores (or, with an empty payload, clears); resolves when that is on disk. */
  async store(packet: StoredPacket): Promise<void> {
    const { topic = "", payload = "", brokerCounter = 0 } = packet;
    const before = this.#held.get(topic);
    const lastCounter = before?.counter ?? this.#cleared.get(topic) ?? 0;
    if (brokerCounter > 0 && brokerCounter <= lastCounter) return;
    if (payload.length === 0) {
      this.#clear(topic, brokerCounter);
      await this.#store.write([[retainedKey(topic), undefined]]);
      return;
    }
    const value = encodePacket(packet);
    if (!this.#hasRoom(before, value.length)) {
      this.#refused(topic);
      return;
    }
    this.#bytes += value.length - (before?.bytes ?? 0);
    this.#held.set(topic, { bytes: value.length, counter: brokerCounter });
    this.#cleared.delete(topic);
    await this.#store.write([[retainedKey(topic), value]]);
  }

  /** Those that one of `patterns` matches, each once a pattern, read from disk one by one. */
  *matching(patterns: readonly string[]): Generator<StoredPacket> {
    for (const pattern of patterns) {
      const filter = new TopicFilter(pattern);
      const topics = filter.hasWildcards ? this.#held.keys() : [pattern];
      for (const topic of topics) {
        if (!this.#held.has(topic) || filter.match(topic) === undefined) continue;
        const value = this.#store.get(retainedKey(topic));
        if (value !== undefined) yield decodePacket(value);
      }
    }
  }

  #load(value: Uint8Array): void {
    const { topic = "" } = decodePacket(value);
    this.#held.set(topic, { bytes: value.length, counter: 0 });
    this.#bytes += value.length;
  }

  #clear(topic: string, counter: number): void {
    this.#bytes -= this.#held.get(topic)?.bytes ?? 0;
    this.#held.delete(topic);
    this.#cleared.delete(topic);
    this.#cleared.set(topic, counter);
    if (this.#cleared.size <= CLEARED_MAX) return;
    for (const oldest of this.#cleared.keys()) {
      this.#cleared.delete(oldest);
      return;
    }
  }

  #hasRoom(before: Held | undefined, bytes: number): boolean {
    const { retainedMessagesMax, retainedBytesMax } = this.#limits;
    if (before === undefined && this.#held.size >= retainedMessagesMax) return false;
    return this.#bytes - (before?.bytes ?? 0) + bytes <= retainedBytesMax;
  }
}

function retainedKey(topic: string): string {
  if (Buffer.byteLength(topic) <= TOPIC_IN_KEY_BYTES_MAX) return `retained/${topic}`;
  return `retained~${createHash("sha256").update(topic).digest("base64url")}`;
}
