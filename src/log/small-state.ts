import { TributaryError } from "../base/errors.ts";
import type { SmallState, StateValue } from "./contract.ts";

/** LMDB's keys end at 1,978 bytes; ours carry a prefix. */
export const STATE_KEY_BYTES_MAX = 1900;

/**
 * The mirror in memory of the state in the active segment. It holds what is flushed, and moves only
 * when the group commit says that a flush is done. Owner: the log.
 */
export class MirroredState implements SmallState {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(entries: Iterable<readonly [string, Uint8Array]>, bytesMax: number) {
    this.#bytesMax = bytesMax;
    for (const [key, value] of entries) this.#set(key, value);
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

  /** @throws STATE_TOO_LARGE where the key is too long or there is too much state already. */
  check(key: string): void {
    if (Buffer.byteLength(key) > STATE_KEY_BYTES_MAX) {
      throw new TributaryError(
        "STATE_TOO_LARGE",
        `A state key of ${Buffer.byteLength(key)} bytes is over ${STATE_KEY_BYTES_MAX}.`,
      );
    }
    if (this.#bytes >= this.#bytesMax && !this.#entries.has(key)) {
      throw new TributaryError(
        "STATE_TOO_LARGE",
        `The gateway keeps ${this.#bytes} bytes of small state (producers, group offsets, QoS 2 ` +
          `identifiers); raise log.stateBytesMax (${this.#bytesMax}) or retire some of them.`,
      );
    }
  }

  apply(changes: Iterable<readonly [string, StateValue]>): void {
    for (const [key, value] of changes) this.#set(key, value);
  }

  #set(key: string, value: StateValue): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#bytes -= key.length + before.length;
    if (value === undefined) {
      this.#entries.delete(key);
      return;
    }
    this.#entries.set(key, value);
    this.#bytes += key.length + value.length;
  }
}
