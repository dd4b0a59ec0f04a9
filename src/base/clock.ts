/**
 * Time, injected wherever it is asked for. `nowMs` is the wall clock (milliseconds since 1970, may
 * step); `monotonicMs` only ever grows and is the one to measure durations with.
 */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A clock that moves only when told to, for tests. */
export class ManualClock implements Clock {
  #nowMs: number;
  #monotonicMs: number;

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
    this.#monotonicMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
    this.#monotonicMs += durationMs;
  }

  /** The wall clock alone is set, as by somebody who has heard what time it is. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }
}
