/**
 * The last retained message of each topic, under `retained/<topic>` (`retained~<SHA-256>` where the
 * topic is too long for a key), as stored-message.ts says. Topics, sizes and expiries are in memory
 * ({@link RetainedIndex}), messages on disk.
 *
 * Invariant: the last message given to {@link RetainedStore.store} wins, in memory and on disk.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../src/base/clock.ts";
import { systemTimers, type Timers } from "../../src/base/timers.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { Message } from "../message.ts";
import { LatestValues } from "./latest-values.ts";
import { LEVEL_BYTES, RetainedIndex } from "./retained-index.ts";
import { decodeMessage, encodeMessage } from "./stored-message.ts";

export interface RetainedLimits {
  readonly retainedMessagesMax: number;
  /** Of messages, and of the memory that their topics take. */
  readonly retainedBytesMax: number;
}

export interface RetainedEvents {
  /** A limit kept the message from being retained; one before it stays. */
  refused(topic: string): void;
  expired(topic: string): void;
}

export interface RetainedStoreOptions {
  readonly store: KeyValues;
  readonly limits: RetainedLimits;
  readonly events: RetainedEvents;
  readonly clock: Clock;
  readonly timers?: Timers;
}

const TOPIC_IN_KEY_BYTES_MAX = 1_000;
const RANGES = [
  { start: "retained/", end: "retained0" },
  { start: "retained~", end: "retained\u007f" },
] as const;
/** Topics that a full store looks at, for expired ones, before it refuses a message. */
const LOOKED_AT_MAX = 100;

export class RetainedStore {
  readonly #store: KeyValues;
  readonly #limits: RetainedLimits;
  readonly #events: RetainedEvents;
  readonly #clock: Clock;
  readonly #latest: LatestValues<Buffer>;
  readonly #index = new RetainedIndex();
  #messageBytes = 0;
  /** Where a full store goes on looking for expired messages. */
  #looking: Iterator<string | undefined> | undefined;

  constructor({ store, limits, events, clock, timers = systemTimers }: RetainedStoreOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#events = events;
    this.#clock = clock;
    this.#latest = new LatestValues({
      store,
      timers,
      encode: (value) => value,
    });
    for (const range of RANGES) {
      for (const [, value] of store.entries(range)) this.#hold(decodeMessage(value).message, value);
    }
  }

  get count(): number {
    return this.#index.count;
  }

  /** Of messages, and of the memory that their topics take. */
  get bytes(): number {
    return this.#messageBytes + this.#index.bytes;
  }

  /**
   * Retains a message (or, with an empty payload, clears its topic); resolves when that, or what
   * came after it for the same topic, is on disk.
   */
  async store(message: Message): Promise<void> {
    const { topic, payload } = message;
    if (payload.length === 0) {
      await this.#clear(topic);
      return;
    }
    const value = encodeMessage(message);
    if (!this.#hasRoom(topic, value.length)) {
      this.#events.refused(topic);
      return;
    }
    this.#hold(message, value);
    await this.#write(topic, value);
  }

  /**
   * The retained messages that `filter` matches, read one by one; undefined now and then, where a
   * long walk has found nothing: a moment to let others have their turn. The walk may be left and
   * gone on with at any time.
   */
  *matching(filter: string): Generator<Message | undefined> {
    for (const topic of this.#index.matching(filter)) {
      if (topic === undefined) {
        yield undefined;
        continue;
      }
      const message = this.#isExpired(topic) ? undefined : this.#read(topic);
      if (message !== undefined) yield message;
    }
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    await this.#latest.close();
  }

  #read(topic: string): Message | undefined {
    const key = retainedKey(topic);
    const { known, value } = this.#latest.pending(key);
    const stored = known ? value : this.#store.get(key);
    return stored === undefined ? undefined : decodeMessage(stored).message;
  }

  /** An expired message is cleared, by and by. */
  #isExpired(topic: string): boolean {
    const expiresAtMs = this.#index.get(topic)?.expiresAtMs;
    if (expiresAtMs === undefined || expiresAtMs > this.#clock.nowMs()) return false;
    this.#events.expired(topic);
    // Should the write fail, it is expired again after the next start.
    this.#clear(topic).catch(() => {});
    return true;
  }

  async #clear(topic: string): Promise<void> {
    const isKnown = this.#index.get(topic) !== undefined;
    this.#forget(topic);
    // Not retained, but perhaps on disk still: an earlier call is clearing it.
    if (isKnown || this.#latest.pending(retainedKey(topic)).known) {
      await this.#write(topic, undefined);
    }
  }

  async #write(topic: string, value: Buffer | undefined): Promise<void> {
    try {
      await this.#latest.set(retainedKey(topic), value);
    } catch (error) {
      this.#takeBack(topic);
      throw error;
    }
  }

  #hold({ topic, expiresAtMs }: Message, value: Uint8Array): void {
    this.#messageBytes += value.length - (this.#index.get(topic)?.bytes ?? 0);
    this.#index.set(topic, { bytes: value.length, expiresAtMs });
  }

  #forget(topic: string): void {
    this.#messageBytes -= this.#index.get(topic)?.bytes ?? 0;
    this.#index.delete(topic);
  }

  #hasRoom(topic: string, bytes: number): boolean {
    if (this.#fits(topic, bytes)) return true;
    this.#looking ??= this.#index.matching("#");
    for (let looked = 0; looked < LOOKED_AT_MAX; looked += 1) {
      const next = this.#looking.next();
      if (next.done === true) {
        this.#looking = undefined;
        return false;
      }
      if (next.value === undefined) continue;
      if (this.#isExpired(next.value) && this.#fits(topic, bytes)) return true;
    }
    return false;
  }

  #fits(topic: string, bytes: number): boolean {
    const { retainedMessagesMax, retainedBytesMax } = this.#limits;
    const before = this.#index.get(topic);
    if (before === undefined && this.#index.count >= retainedMessagesMax) return false;
    const levelBytes = this.#index.newLevels(topic) * LEVEL_BYTES;
    return this.bytes - (before?.bytes ?? 0) + bytes + levelBytes <= retainedBytesMax;
  }

  /** A write has failed: what is retained is what the disk has, unless another is on its way. */
  #takeBack(topic: string): void {
    const key = retainedKey(topic);
    if (this.#latest.pending(key).known) return;
    this.#forget(topic);
    const value = this.#store.get(key);
    if (value !== undefined) this.#hold(decodeMessage(value).message, value);
  }
}

function retainedKey(topic: string): string {
  if (Buffer.byteLength(topic) <= TOPIC_IN_KEY_BYTES_MAX) return `retained/${topic}`;
  return `retained~${createHash("sha256").update(topic).digest("base64url")}`;
}
