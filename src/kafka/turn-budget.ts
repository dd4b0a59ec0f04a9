/**
 * Work that comes in steps, over all connections, for no longer than a few milliseconds in one turn
 * of the event loop: a request may bring thousands of batches that inflate to a thousand times their
 * size, and neither ingest nor group heartbeats must wait for all of them. Owner of what this turn
 * has spent, and of the work that waits; whose step was done goes to the end of the queue.
 */
import type { Clock } from "../base/clock.ts";

/** Does one step; answers whether there are more. */
type Step = () => boolean;

interface Work {
  readonly step: Step;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class TurnBudget {
  readonly #clock: Clock;
  readonly #turnMsMax: number;
  readonly #waiting: Work[] = [];
  #spentMs = 0;
  /** The end of this turn is awaited. */
  #turning = false;

  constructor(clock: Clock, turnMsMax: number) {
    this.#clock = clock;
    this.#turnMsMax = turnMsMax;
  }

  /** Undefined where all steps are done; otherwise it resolves when they are. */
  run(step: Step): Promise<void> | undefined {
    if (this.#waiting.length === 0) {
      while (this.#spentMs < this.#turnMsMax) {
        if (!this.#spend(step)) return undefined;
      }
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ step, resolve, reject });
      this.#beginTurn();
    });
  }

  #spend(step: Step): boolean {
    // Whoever spends a little at a time must find the next turn unspent, too.
    this.#beginTurn();
    const startedMs = this.#clock.monotonicMs();
    const isMore = step();
    this.#spentMs += this.#clock.monotonicMs() - startedMs;
    return isMore;
  }

  #beginTurn(): void {
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      this.#spentMs = 0;
      this.#workOn();
    });
  }

  #workOn(): void {
    while (this.#spentMs < this.#turnMsMax) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      try {
        if (this.#spend(work.step)) this.#waiting.push(work);
        else work.resolve();
      } catch (error) {
        work.reject(error);
      }
    }
  }
}
