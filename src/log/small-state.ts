import { TributaryError } from "../base/errors.ts";
import type { SmallState, StateValue } from "./contract.ts";

/** LMDB's keys end at 1,978 bytes; ours carry a prefix. */
export const STATE_KEY_BYTES_MAX = 1900;

/**
 * Numbers that count on become a few bytes longer now and then (how far a link or an upstream has
 * come, on which it depends what may be deleted): where the state is full, what is there already
 * may still grow by so much at a time...
 */
const SMALL_GROWTH_BYTES = 64;
/** ...up to so many times the limit. */
const SMALL_GROWTH_ROOM = 1.25;

/** By how much the state is about to become larger. */
export interface StateGrowth {
  readonly bytes: number;
  /** Whether its key is a new one. */
  readonly isNew: boolean;
  /** The same of what has been put and is not flushed yet. */
  readonly onItsWay: number;
}

/** What an entry takes, about: most keys and values are ASCII. */
export function stateBytes(key: string, value: Uint8Array): number {
  return key.length + value.length;
}

/**
 * The mirror in memory of the state in the active segment. It holds what is flushed, and moves only
 * when the group commit says that a flush is done. Owner: the log.
 */
export class MirroredState implements SmallState {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #bytesMax: number;
  readonly #smallGrowthBytesMax: number;
  #bytes = 0;

  constructor(entries: Iterable<readonly [string, Uint8Array]>, bytesMax: number) {
    this.#bytesMax = bytesMax;
    for (const [key, value] of entries) this.#set(key, value);
    // The limit may have been higher when they were written.
    this.#smallGrowthBytesMax = Math.max(bytesMax, this.#bytes) * SMALL_GROWTH_ROOM;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  *entries(prefix: string): Iterable<readonly [string, Uint8Array]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry;
  }

  get bytes(): number {
    return this.#bytes;
  }

  all(): Iterable<readonly [string, Uint8Array]> {
    return this.#entries;
  }

  /** What an entry takes, with its key; 0 where there is none. */
  bytesOf(key: string): number {
    const value = this.#entries.get(key);
    return value === undefined ? 0 : stateBytes(key, value);
  }

  /** @throws STATE_TOO_LARGE where the key is too long. */
  checkKey(key: string): void {
    const bytes = Buffer.byteLength(key);
    if (bytes <= STATE_KEY_BYTES_MAX) return;
    throw new TributaryError(
      "STATE_TOO_LARGE",
      `A state key of ${bytes} bytes is over ${STATE_KEY_BYTES_MAX}.`,
    );
  }

  /** @throws STATE_TOO_LARGE where there is no room for `growth`, beside what is on its way. */
  checkRoom({ bytes, isNew, onItsWay }: StateGrowth): void {
    const isSmall = !isNew && bytes <= SMALL_GROWTH_BYTES;
    const bytesMax = isSmall ? this.#smallGrowthBytesMax : this.#bytesMax;
    if (this.#bytes + onItsWay + bytes <= bytesMax) return;
    throw new TributaryError(
      "STATE_TOO_LARGE",
      `The gateway keeps ${this.#bytes} bytes of small state (producers, group offsets, QoS 2 ` +
        `identifiers); raise log.stateBytesMax (${this.#bytesMax}) or retire some of them.`,
    );
  }

  apply(changes: Iterable<readonly [string, StateValue]>): void {
    for (const [key, value] of changes) this.#set(key, value);
  }

  #set(key: string, value: StateValue): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#bytes -= stateBytes(key, before);
    if (value === undefined) {
      this.#entries.delete(key);
      return;
    }
    this.#entries.set(key, value);
    this.#bytes += stateBytes(key, value);
  }
}
