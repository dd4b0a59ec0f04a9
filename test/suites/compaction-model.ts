/**
 * What a compacted partition may hold, worked out from what was appended to it alone: for the property
 * test of compaction.
 */
import type { DecodedRecord } from "../../src/wire/records.ts";

export interface Appended {
  readonly key: string;
  /** Undefined deletes the key. */
  readonly value: string | undefined;
  readonly timestampMs: number;
}

export class ModelCompaction {
  readonly #appended: Appended[] = [];

  append(record: Appended): void {
    this.#appended.push(record);
  }

  get end(): number {
    return this.#appended.length;
  }

  /** What a table made of all records has at the end, by key. */
  table(): Map<string, string> {
    const table = new Map<string, string>();
    for (const { key, value } of this.#appended) {
      if (value === undefined) table.delete(key);
      else table.set(key, value);
    }
    return table;
  }

  /** Why `found` is not what compaction may leave; undefined where it is. */
  complaint(found: readonly DecodedRecord[]): string | undefined {
    const table = new Map<string, string>();
    let last = -1;
    for (const { offset, timestampMs, key, value } of found) {
      const was = this.#appended[offset];
      const [name, text] = [`${key?.toString()}`, value?.toString()];
      if (was === undefined) return `offset ${offset} was never given`;
      if (offset <= last) return `offset ${offset} follows ${last}`;
      if (was.key !== name || was.value !== text || was.timestampMs !== timestampMs) {
        return `the record at ${offset} is another one than was appended`;
      }
      last = offset;
      if (text === undefined) table.delete(name);
      else table.set(name, text);
    }
    const wanted = textOf(this.table());
    const given = textOf(table);
    return wanted === given ? undefined : `its records say ${given}, not ${wanted}`;
  }

  /** Offsets of records that a later one of their key made old. */
  superseded(): ReadonlySet<number> {
    const newest = new Map(this.#appended.map(({ key }, offset) => [key, offset]));
    const offsets = this.#appended.keys();
    return new Set(offsets.filter((at) => newest.get(this.#appended[at]?.key ?? "") !== at));
  }
}

function textOf(table: ReadonlyMap<string, string>): string {
  return [...table]
    .map((entry) => entry.join("="))
    .sort((one, other) => (one < other ? -1 : 1))
    .join();
}
