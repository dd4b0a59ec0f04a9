/**
 * Writes what of a group has changed, and only that: a heartbeat that changes nothing costs no
 * write. Owner of what is still to be written. Groups that follow one another under one id share it.
 *
 * Invariants: `save` resolves when all that had changed by then is on the disk, by whomever. One write
 * at a time; what one could not write goes into the next, with all that changed since: partitions that
 * one member has given back and another has got are never written the one without the other.
 */
import type { KeyValues, StateValue } from "../../../log/contract.ts";

export class GroupWriter {
  readonly #store: KeyValues;
  #changes = new Map<string, () => StateValue>();
  /** The last write that was begun; settled where none is under way. */
  #underWay: Promise<void> = Promise.resolve();
  /** The one behind it: it takes what has changed by the time it begins. */
  #next: Promise<void> | undefined;
  #isWriting = false;

  constructor(store: KeyValues) {
    this.#store = store;
  }

  /** Whether a write is under way, or waits. */
  get isWriting(): boolean {
    return this.#isWriting || this.#next !== undefined;
  }

  /** `value` is asked when it is written; undefined removes the entry. */
  change(key: string, value: () => StateValue): void {
    this.#changes.set(key, value);
  }

  async save(): Promise<void> {
    if (this.#changes.size > 0) this.#next ??= this.#writeNext();
    await (this.#next ?? this.#underWay);
  }

  async #writeNext(): Promise<void> {
    await this.#underWay.catch(() => {});
    this.#next = undefined;
    this.#underWay = this.#write();
    await this.#underWay;
  }

  async #write(): Promise<void> {
    const changes = this.#changes;
    this.#changes = new Map();
    this.#isWriting = true;
    try {
      await this.#store.write([...changes].map(([key, value]) => [key, value()] as const));
    } catch (error) {
      // In the order of the keys' first change, each as it changed last.
      this.#changes = new Map([...changes, ...this.#changes]);
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }
}
