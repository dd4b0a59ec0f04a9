import type { Log, Partition } from "../log/contract.ts";

/**
 * Wakes a replay that follows the log. It listens from its construction on, so that a flush between
 * the last read and the wait is not missed; call {@link close} to stop listening.
 */
export class NewData {
  readonly #unsubscribe: () => void;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  #arrived = false;
  #wake: (() => void) | undefined;

  constructor(log: Log, partitions: readonly Partition[], signal: AbortSignal) {
    this.#signal = signal;
    this.#onAbort = () => this.#wake?.();
    this.#unsubscribe = log.onFlush(partitions, () => {
      this.#arrived = true;
      this.#wake?.();
    });
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Resolves when something was flushed since the last call, or the signal aborts. */
  async wait(): Promise<void> {
    if (!this.#arrived && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#arrived = false;
  }

  close(): void {
    this.#unsubscribe();
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
