/**
 * Writes what of a group has changed, and only that: a heartbeat that changes nothing costs no
 * write. Owner of what is still to be written.
 *
 * Invariant: `save` resolves when all that had changed by then is on the disk, by whomever. What
 * could not be written is written with the next change.
 */
import type { KeyValues, StateValue } from "../../../log/contract.ts";

type Value = () => StateValue;

export class GroupWriter {
  readonly #store: KeyValues;
  #changes = new Map<string, Value>();
  #written: Promise<unknown> = Promise.resolve();

  constructor(store: KeyValues) {
    this.#store = store;
  }

  /** `value` is asked when it is written; undefined removes the entry. */
  change(key: string, value: Value): void {
    this.#changes.set(key, value);
  }

  async save(): Promise<void> {
    const changes = this.#changes;
    if (changes.size === 0) {
      await this.#written;
      return;
    }
    this.#changes = new Map();
    const entries = [...changes].map(([key, value]) => [key, value()] as const);
    const written = Promise.all([this.#written, this.#store.write(entries)]);
    this.#written = written.catch(() => {
      this.#changes = new Map([...changes, ...this.#changes]);
    });
    await written;
  }
}
