import type { KeyValues, StateValue } from "../contract.ts";

/** {@link KeyValues} in a map, in byte order of the keys. */
export class MemoryKeyValues implements KeyValues {
  readonly #entries = new Map<string, Buffer>();

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  *entries(
    range: { start?: string; end?: string; limit?: number } = {},
  ): Iterable<readonly [string, Uint8Array]> {
    const start = Buffer.from(range.start ?? "");
    const end = range.end === undefined ? undefined : Buffer.from(range.end);
    const keys = [...this.#entries.keys()]
      .map((key) => ({ key, bytes: Buffer.from(key) }))
      .filter(({ bytes }) => bytes.compare(start) >= 0 && (!end || bytes.compare(end) < 0))
      .sort((a, b) => a.bytes.compare(b.bytes))
      .slice(0, range.limit);
    for (const { key } of keys) {
      const value = this.#entries.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  async write(changes: Iterable<readonly [string, StateValue]>): Promise<void> {
    for (const [key, value] of changes) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, Buffer.from(value));
    }
  }
}
