/**
 * Keyed values of which only the latest counts, on their way to the disk: what is put again before
 * it was written is written once. Owns what gathers and what is being written, and lets both be read.
 *
 * What a write that failed was to change is forgotten, or (`keepsFailed`) goes along with the next.
 */
import type { Timers } from "../../src/base/timers.ts";
import type { KeyValues, StateValue } from "../../src/log/contract.ts";
import { WriteLine } from "./write-line.ts";

export interface LatestValuesOptions<Value> {
  readonly store: KeyValues;
  readonly timers: Timers;
  readonly encode: (value: Value) => Buffer;
  readonly keepsFailed?: boolean;
}

export class LatestValues<Value> {
  readonly #options: LatestValuesOptions<Value>;
  readonly #line: WriteLine;
  #gathering = new Map<string, Value | undefined>();
  #flying: ReadonlyMap<string, Value | undefined> = new Map();

  constructor(options: LatestValuesOptions<Value>) {
    this.#options = options;
    this.#line = new WriteLine({ write: () => this.#write(), timers: options.timers });
  }

  /** Puts (or, with undefined, removes); resolves when this or a later value is on disk. */
  set(key: string, value: Value | undefined): Promise<void> {
    this.#gathering.set(key, value);
    return this.#line.soon();
  }

  /** The value that is on its way; `known` is false where nothing is. */
  pending(key: string): { readonly known: boolean; readonly value: Value | undefined } {
    for (const values of [this.#gathering, this.#flying]) {
      if (values.has(key)) return { known: true, value: values.get(key) };
    }
    return { known: false, value: undefined };
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    await this.#line.flush();
    // What failed is tried once more; who waited for it has been told.
    if (this.#gathering.size > 0) await this.#line.soon().catch(() => {});
  }

  async #write(): Promise<void> {
    const { store, encode } = this.#options;
    const values = this.#gathering;
    this.#flying = values;
    this.#gathering = new Map();
    const changes: [string, StateValue][] = [];
    for (const [key, value] of values) {
      changes.push([key, value === undefined ? undefined : encode(value)]);
    }
    try {
      await store.write(changes);
    } catch (error) {
      if (this.#options.keepsFailed === true) this.#gatherAgain(values);
      throw error;
    } finally {
      this.#flying = new Map();
    }
  }

  #gatherAgain(values: ReadonlyMap<string, Value | undefined>): void {
    for (const [key, value] of values) {
      if (!this.#gathering.has(key)) this.#gathering.set(key, value);
    }
  }
}
