/**
 * One check that several clients wait for: they have asked the same at the same time. Who hangs up
 * waits no longer; where all have, the check is abandoned, if it has not begun.
 */
import { hungUp } from "./check-queue.ts";

export class SharedCheck {
  readonly #answer: Promise<boolean>;
  readonly #nobodyWaits = new AbortController();
  readonly #abandoned: () => void;
  #waiting = 0;

  /** `abandoned`: nobody may join it from now on. */
  constructor(check: (gone: AbortSignal) => Promise<boolean>, abandoned: () => void) {
    this.#abandoned = abandoned;
    this.#answer = check(this.#nobodyWaits.signal);
    // Whoever still waits is told by the promise of its own.
    this.#answer.catch(() => {});
  }

  /** Resolves with the answer. @throws ACCESS_DENIED once `gone`; what the check throws */
  join(gone: AbortSignal | undefined): Promise<boolean> {
    this.#waiting += 1;
    // A client that cannot say that it goes stays to the end.
    if (gone === undefined) return this.#answer;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const leave = () => {
      reject(hungUp());
      this.#waiting -= 1;
      if (this.#waiting > 0) return;
      this.#abandoned();
      this.#nobodyWaits.abort();
    };
    gone.addEventListener("abort", leave, { once: true });
    this.#answer.then(resolve, reject).finally(() => gone.removeEventListener("abort", leave));
    return promise;
  }
}
