import type { Log, Partition } from "../log/contract.ts";

/**
 * Wakes a replay that follows the log. It listens from its construction on, so that a flush between
 * the last read and the wait is not missed; call {@link close} to stop listening.
 */
export class NewData {
  readonly #log: Log;
  readonly #unsubscribes: (() => void)[] = [];
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  #arrived = false;
  #wake: (() => void) | undefined;

  constructor(log: Log, partitions: readonly Partition[], signal: AbortSignal) {
    this.#log = log;
    this.#signal = signal;
    this.#onAbort = () => this.#wake?.();
    this.watch(partitions);
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Listens to more partitions. */
  watch(partitions: readonly Partition[]): void {
    const unsubscribe = this.#log.onFlush(partitions, () => {
      this.#arrived = true;
      this.#wake?.();
    });
    this.#unsubscribes.push(unsubscribe);
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
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
