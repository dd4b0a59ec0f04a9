import type { KeyValues, StateValue } from "../contract.ts";

/**
 * {@link KeyValues} in memory: a map beside a list of its keys in byte order, which a binary search
 * finds its way in.
 */
export class MemoryKeyValues implements KeyValues {
  readonly #values = new Map<string, Buffer>();
  readonly #keys: string[] = [];

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  /** Goes on from the last key that it answered: entries may come and go meanwhile. */
  *entries(
    range: { start?: string; end?: string; limit?: number } = {},
  ): Iterable<readonly [string, Uint8Array]> {
    const { start = "", end, limit = Number.POSITIVE_INFINITY } = range;
    let at = this.#placeOf(start);
    for (let count = 0; count < limit; count += 1) {
      const key = this.#keys[at];
      if (key === undefined || (end !== undefined && compareBytes(key, end) >= 0)) return;
      yield [key, this.#values.get(key) as Buffer];
      at = this.#keys[at] === key ? at + 1 : this.#placeAfter(key);
    }
  }

  async write(changes: Iterable<readonly [string, StateValue]>): Promise<void> {
    for (const [key, value] of changes) {
      if (value === undefined) this.#remove(key);
      else this.#set(key, Buffer.from(value));
    }
  }

  async removeRange(start: string, end: string, limit: number): Promise<number> {
    const from = this.#placeOf(start);
    const count = Math.min(Math.max(this.#placeOf(end) - from, 0), limit);
    for (const key of this.#keys.splice(from, count)) this.#values.delete(key);
    return count;
  }

  #set(key: string, value: Buffer): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#placeOf(key), 0, key);
    this.#values.set(key, value);
  }

  #remove(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#placeOf(key), 1);
  }

  #placeAfter(key: string): number {
    const at = this.#placeOf(key);
    return this.#keys[at] === key ? at + 1 : at;
  }

  /** The index of the first key that is not below `key`. */
  #placeOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#keys[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Orders strings as their UTF-8 is ordered. JavaScript's own order is that of UTF-16, in which the
 * surrogates of the characters above U+FFFF stand below U+E000.
 */
function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return inByteOrder(a) - inByteOrder(b);
  }
  return left.length - right.length;
}

function inByteOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
