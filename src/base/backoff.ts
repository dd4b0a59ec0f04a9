/**
 * How long to wait before the next attempt: twice as long each time, up to a limit, with jitter, so
 * that a fleet of gateways does not come back to a broker in step.
 */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** The part of each delay that is left to chance: 0.5 = from half of it to all of it. */
  readonly jitter: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { initialMs: 100, maxMs: 10_000, jitter: 0.5 };

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #attempts = 0;

  /** `random` answers numbers from 0 to below 1. */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures since the last {@link reset}. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next delay, in milliseconds. */
  next(): number {
    const { initialMs, maxMs, jitter } = this.#options;
    const delayMs = Math.min(maxMs, initialMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return Math.round(delayMs * (1 - jitter * this.#random()));
  }

  reset(): void {
    this.#attempts = 0;
  }
}
