/**
 * How many messages a second one client may publish: a bucket that fills by the limit each second,
 * and holds one second's worth. It may be overdrawn by what one read brings; then the client is not
 * read until it has filled again.
 */
import type { Clock } from "../../src/base/clock.ts";

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #countedAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = perSecond;
    this.#countedAtMs = clock.monotonicMs();
  }

  get exhausted(): boolean {
    this.#refill();
    return this.#tokens < 0;
  }

  spend(messages: number): void {
    this.#tokens -= messages;
  }

  /** Calls `resume` when it is exhausted no longer; asked again meanwhile, once. */
  whenRefilled(resume: () => void): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.ceil((-this.#tokens / this.#perSecond) * 1000) + 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A timer may be early, by the clock.
      if (this.exhausted) this.whenRefilled(resume);
      else resume();
    }, waitMs);
  }

  forget(): void {
    clearTimeout(this.#timer);
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#countedAtMs) / 1000) * this.#perSecond;
    this.#countedAtMs = nowMs;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + gained);
  }
}
