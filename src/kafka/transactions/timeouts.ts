/**
 * When open transactions have taken too long. Owns a timer for each. A transaction that was open when
 * the gateway stopped has its whole time-out anew: its producer may not have been able to end it.
 */
import type { CancelTimer, Timers } from "../../base/timers.ts";
import type { Transaction } from "./directory.ts";

export class TransactionTimeouts {
  readonly #timers: Timers;
  readonly #passed: (transaction: Transaction) => void;
  readonly #running = new Map<Transaction, CancelTimer>();

  constructor(timers: Timers, passed: (transaction: Transaction) => void) {
    this.#timers = timers;
    this.#passed = passed;
  }

  /** Call it whenever the transaction has changed. */
  follow(transaction: Transaction): void {
    const { state, timeoutMs } = transaction.record;
    if (state !== "Ongoing") this.#cancel(transaction);
    else if (!this.#running.has(transaction)) this.#start(transaction, timeoutMs);
  }

  /** It could not be aborted now: says so again, after `delayMs`. */
  again(transaction: Transaction, delayMs: number): void {
    this.#cancel(transaction);
    this.#start(transaction, delayMs);
  }

  close(): void {
    for (const cancel of this.#running.values()) cancel();
    this.#running.clear();
  }

  #start(transaction: Transaction, delayMs: number): void {
    const cancel = this.#timers.after(delayMs, () => {
      this.#running.delete(transaction);
      this.#passed(transaction);
    });
    this.#running.set(transaction, cancel);
  }

  #cancel(transaction: Transaction): void {
    this.#running.get(transaction)?.();
    this.#running.delete(transaction);
  }
}
