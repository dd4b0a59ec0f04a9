/**
 * Whether the wall clock may be believed when it says how long ago something was. Boards without a
 * clock battery start in the past, and jump when they first hear of the time, perhaps days later: all
 * that was noted before then looks years old at once. So nothing is taken for old until the process
 * has run for a while since its start, and since the last such jump.
 *
 * Ask it more often than the grace is long: a jump is noticed by who asks.
 */
import type { Clock } from "./clock.ts";

/** Clocks that are kept right by small steps, or by running faster, move by less between two looks. */
const JUMP_MS_MIN = 60_000;

export class SettledClock {
  readonly #clock: Clock;
  readonly #graceMs: number;
  #sinceMs: number;
  #aheadMs: number;

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#sinceMs = clock.monotonicMs();
    this.#aheadMs = clock.nowMs() - clock.monotonicMs();
  }

  /** Looks whether the wall clock has jumped since the last look. */
  isSettled(): boolean {
    const monotonicMs = this.#clock.monotonicMs();
    const aheadMs = this.#clock.nowMs() - monotonicMs;
    if (Math.abs(aheadMs - this.#aheadMs) >= JUMP_MS_MIN) this.#sinceMs = monotonicMs;
    this.#aheadMs = aheadMs;
    return monotonicMs - this.#sinceMs >= this.#graceMs;
  }
}
