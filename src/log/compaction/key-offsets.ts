/**
 * The newest offset of each key, in a fixed amount of memory: an open table of 16-byte hashes, with
 * no object for a key. Two keys of one partition that share a hash would be taken for one; with 128
 * bits nobody will see that, short of 2^61 hashes computed on purpose, and then of keys of their own.
 */
import { hash } from "node:crypto";
import { assert } from "../../base/errors.ts";

/** Four words of the hash, and the offset. */
const SLOT_BYTES = 24;
const HASH_WORDS = 4;
/** Fuller, and looking for a place takes long. */
const LOAD_MAX = 0.8;
const SLOTS_MIN = 16;
const EMPTY = -1;

export class KeyOffsets {
  readonly #slots: number;
  readonly #keysMax: number;
  readonly #hashes: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #wanted = new Uint32Array(HASH_WORDS);
  #size = 0;

  constructor(bytesMax: number) {
    this.#slots = Math.max(SLOTS_MIN, Math.floor(bytesMax / SLOT_BYTES));
    this.#keysMax = Math.floor(this.#slots * LOAD_MAX);
    this.#hashes = new Uint32Array(this.#slots * HASH_WORDS);
    this.#offsets = new Float64Array(this.#slots).fill(EMPTY);
  }

  /** How many bytes hold `keys` keys. */
  static bytesFor(keys: number): number {
    return Math.ceil((keys + 1) / LOAD_MAX) * SLOT_BYTES;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether `keys` more keys fit, should all of them be new ones. */
  hasRoomFor(keys: number): boolean {
    return this.#size + keys <= this.#keysMax;
  }

  /** Offsets are put in rising order. Ask {@link hasRoomFor} before. */
  put(partitionId: number, key: Uint8Array, offset: number): void {
    const slot = this.#find(partitionId, key);
    if (this.#offsets[slot] === EMPTY) {
      assert(this.#size < this.#keysMax, "the table of keys is full");
      this.#hashes.set(this.#wanted, slot * HASH_WORDS);
      this.#size += 1;
    }
    this.#offsets[slot] = offset;
  }

  /** The newest offset of a key; undefined where it was not put. */
  newest(partitionId: number, key: Uint8Array): number | undefined {
    const offset = this.#offsets[this.#find(partitionId, key)] as number;
    return offset === EMPTY ? undefined : offset;
  }

  /** The key's slot, or the empty one that it would get. */
  #find(partitionId: number, key: Uint8Array): number {
    const digest = hash("sha1", key, "buffer");
    const wanted = this.#wanted;
    for (let word = 0; word < HASH_WORDS; word += 1) wanted[word] = digest.readUInt32LE(word * 4);
    wanted[1] = (wanted[1] as number) ^ partitionId;
    let slot = (wanted[0] as number) % this.#slots;
    while (this.#offsets[slot] !== EMPTY && !this.#isAt(slot)) {
      slot += 1;
      if (slot === this.#slots) slot = 0;
    }
    return slot;
  }

  #isAt(slot: number): boolean {
    const at = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) {
      if (this.#hashes[at + word] !== this.#wanted[word]) return false;
    }
    return true;
  }
}
