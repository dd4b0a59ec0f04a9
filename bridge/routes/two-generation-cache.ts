/**
 * A bounded map that forgets what has not been asked for lately, at one look-up a hit: entries live
 * in a young generation, which becomes the old one when it is full; an old entry that is asked for
 * comes back. At most `entriesMax` entries in all, and fewer where their keys are long: clients choose
 * them, and a topic may have 65,535 bytes.
 */

/** A key counts as one entry for each of these, and one more. */
const KEY_UNITS_PER_ENTRY = 128;

export class TwoGenerationCache<V> {
  readonly #generationMax: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  /** What the young generation counts as. */
  #weight = 0;

  constructor(entriesMax: number) {
    this.#generationMax = Math.max(1, Math.floor(entriesMax / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.set(key, old);
    return old;
  }

  /** A key too long for any generation is not kept at all. */
  set(key: string, value: V): void {
    const weight = weightOf(key);
    if (weight > this.#generationMax) return;
    if (!this.#young.has(key)) {
      if (this.#weight + weight > this.#generationMax) {
        this.#old = this.#young;
        this.#young = new Map();
        this.#weight = 0;
      }
      this.#weight += weight;
    }
    this.#old.delete(key);
    this.#young.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }
}

function weightOf({ length }: string): number {
  return 1 + Math.floor(length / KEY_UNITS_PER_ENTRY);
}
