/**
 * One answer that is still owed to a connection. Settles exactly once: with the answer, or, when
 * the connection is gone first, with whatever `abandoned` answers to nobody.
 */
export class Waiter<Answer> {
  readonly answered: Promise<Answer>;
  readonly #settle: (answer: Answer) => void;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;

  /** `abandoned` runs when the connection closes before {@link answer} was called. */
  constructor(signal: AbortSignal, abandoned: (waiter: Waiter<Answer>) => Answer) {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.answered = promise;
    this.#settle = resolve;
    this.#signal = signal;
    this.#onAbort = () => resolve(abandoned(this));
    if (signal.aborted) queueMicrotask(this.#onAbort);
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  answer(answer: Answer): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#settle(answer);
  }
}
