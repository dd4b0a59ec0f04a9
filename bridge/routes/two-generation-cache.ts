/**
 * A bounded map that forgets what has not been asked for lately, at one look-up a hit: entries live
 * in a young generation, which becomes the old one when it is full; an old entry that is asked for
 * comes back. At most `entriesMax` entries in all, and none whose key is long: topics may have 65,535
 * bytes, and who publishes to many of those must not fill the memory.
 */
const KEY_CHARACTERS_MAX = 512;

export class TwoGenerationCache<V> {
  readonly #generationMax: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

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
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (key.length > KEY_CHARACTERS_MAX) return;
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(key);
    this.#young.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
