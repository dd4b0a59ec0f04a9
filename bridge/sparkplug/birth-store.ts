/**
 * Where births are remembered across restarts: the log's map "sparkplug". Written behind, one write
 * at a time: what changes while one is under way goes into the next, the last change of a key only,
 * so that a flood of births costs a few transactions. A crash may lose the last moments of it; the
 * edge nodes, whose connections ended too, are born again.
 */
import type { KeyValues, StateValue } from "../../src/log/contract.ts";

/** Makes the value when it is written: a change costs nothing until then. */
export type RenderValue = () => StateValue;

export class BirthStore {
  readonly #store: KeyValues;
  readonly #failed: (error: unknown) => void;
  #changes = new Map<string, RenderValue>();
  #writing: Promise<void> | undefined;

  /** `failed` is told of a write that failed; what it held is tried again with the next change. */
  constructor(store: KeyValues, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  entries(prefix: string): Iterable<readonly [key: string, value: Uint8Array]> {
    return this.#store.entries({ start: prefix, end: `${prefix}\u{10ffff}` });
  }

  change(key: string, value: RenderValue): void {
    this.#changes.set(key, value);
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing is left to be written. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    // The messages that came with this one may change more: they are all seen in this turn.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#changes.size > 0) {
      const changes = this.#changes;
      this.#changes = new Map();
      try {
        await this.#store.write(Array.from(changes, ([key, render]) => [key, render()] as const));
      } catch (error) {
        this.#changes = new Map([...changes, ...this.#changes]);
        this.#failed(error);
        break;
      }
    }
    this.#writing = undefined;
  }
}
