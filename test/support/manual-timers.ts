/**
 * Time that a test runs forward by hand, clock and timers together: `advance` runs what falls due,
 * in order, each at its own moment, and lets promises settle in between.
 */
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../src/base/clock.ts";
import type { CancelTimer, Timers } from "../../src/base/timers.ts";

interface Pending {
  readonly dueMs: number;
  readonly run: () => void;
}

export class ManualTimers implements Timers {
  readonly clock: ManualClock;
  readonly #pending = new Set<Pending>();

  constructor(startMs?: number) {
    this.clock = new ManualClock(startMs);
  }

  /** Timers that are set and have not run. */
  get count(): number {
    return this.#pending.size;
  }

  after(delayMs: number, run: () => void): CancelTimer {
    const timer = { dueMs: this.clock.monotonicMs() + delayMs, run };
    this.#pending.add(timer);
    return () => this.#pending.delete(timer);
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + durationMs;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.clock.advance(next.dueMs - this.clock.monotonicMs());
      this.#pending.delete(next);
      next.run();
      await setImmediate();
    }
    this.clock.advance(untilMs - this.clock.monotonicMs());
    await setImmediate();
  }

  #next(untilMs: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
