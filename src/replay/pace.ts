/**
 * When a record of a paced replay is due. The pacer follows the timestamps with a clock of its own,
 * which only moves forward: a record at or behind it is due at once, one ahead of it after the
 * difference, divided by the speed. Time that the reader of the replay took is not added to it.
 *
 * Timestamps come from devices, and lie. So a leap of more than the longest wait is doubted: the
 * replay waits that long once, and the clock takes the new time only when another record confirms
 * it. One record from the year 2099 then costs one wait, and does not release all that follow.
 */
import type { Clock } from "../base/clock.ts";

export interface PaceOptions {
  /** How many times faster than the timestamps. */
  readonly speed: number;
  /** The longest wait for one record, in milliseconds of real time. */
  readonly gapMsMax: number;
}

/** Shorter waits are not worth a timer: they add up until one is. */
export const WAIT_MS_MIN = 2;

export class Pacer {
  readonly #clock: Clock;
  readonly #speed: number;
  readonly #gapMsMax: number;
  /** The timestamp that the replay has come to. */
  #streamMs: number | undefined;
  /** The timestamp of a leap that is doubted. */
  #doubtedMs: number | undefined;
  /** When (monotonic) that timestamp is due. */
  #dueMs = 0;

  constructor(clock: Clock, { speed, gapMsMax }: PaceOptions) {
    this.#clock = clock;
    this.#speed = speed;
    this.#gapMsMax = gapMsMax;
  }

  /** Milliseconds to wait before a record with this timestamp goes out; 0 = it is due. */
  waitMs(timestampMs: number): number {
    const nowMs = this.#clock.monotonicMs();
    if (this.#streamMs === undefined) {
      this.#streamMs = timestampMs;
      this.#dueMs = nowMs;
      return 0;
    }
    // A reader that stopped for long does not get the rest in one burst.
    if (this.#dueMs < nowMs - this.#gapMsMax) this.#dueMs = nowMs - this.#gapMsMax;
    this.#dueMs += this.#step(timestampMs);
    const waitMs = this.#dueMs - nowMs;
    return waitMs < WAIT_MS_MIN ? 0 : Math.min(waitMs, this.#gapMsMax);
  }

  /** Moves the stream's clock to the record; answers the real milliseconds that this takes. */
  #step(timestampMs: number): number {
    const fromMs = this.#streamMs ?? timestampMs;
    const stepMs = (timestampMs - fromMs) / this.#speed;
    if (stepMs <= this.#gapMsMax) {
      if (stepMs <= 0) return 0;
      this.#streamMs = timestampMs;
      return stepMs;
    }
    const sinceDoubtMs = (timestampMs - (this.#doubtedMs ?? Number.NaN)) / this.#speed;
    if (Math.abs(sinceDoubtMs) <= this.#gapMsMax) {
      this.#streamMs = timestampMs;
      this.#doubtedMs = undefined;
      return Math.max(sinceDoubtMs, 0);
    }
    this.#doubtedMs = timestampMs;
    return this.#gapMsMax;
  }
}
