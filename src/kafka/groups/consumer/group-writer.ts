/**
 * Writes what of a group has changed, and only that: a heartbeat that changes nothing costs no
 * write. Owner of what is still to be written.
 *
 * Invariant: `save` resolves when all that had changed by then is on the disk, by whomever. What
 * could not be written is written with the next change, each entry as it changed last.
 */
import type { KeyValues, StateValue } from "../../../log/contract.ts";

interface Change {
  /** Later changes have higher numbers. */
  readonly number: number;
  readonly value: () => StateValue;
}

export class GroupWriter {
  readonly #store: KeyValues;
  #changes = new Map<string, Change>();
  #count = 0;
  #written: Promise<unknown> = Promise.resolve();

  constructor(store: KeyValues) {
    this.#store = store;
  }

  /** `value` is asked when it is written; undefined removes the entry. */
  change(key: string, value: () => StateValue): void {
    this.#count += 1;
    this.#changes.set(key, { number: this.#count, value });
  }

  async save(): Promise<void> {
    if (this.#changes.size > 0) this.#write();
    await this.#written;
  }

  #write(): void {
    const changes = this.#changes;
    this.#changes = new Map();
    const entries = [...changes].map(([key, { value }]) => [key, value()] as const);
    const written = Promise.all([this.#written, this.#store.write(entries)]);
    this.#written = written;
    written.catch(() => {
      for (const [key, change] of changes) {
        if (change.number > (this.#changes.get(key)?.number ?? 0)) this.#changes.set(key, change);
      }
      if (this.#written === written) this.#written = Promise.resolve();
    });
  }
}
