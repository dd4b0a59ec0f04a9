/**
 * Keeps the cleaner from holding the event loop: it works for a few milliseconds, and then rests for
 * twice as long, so that it takes a third of a thread that has nothing else to do, and what comes
 * meanwhile waits for one slice at most.
 */
import type { Clock } from "../../base/clock.ts";
import type { Sleep } from "../../base/sleep.ts";

/** One slice; a single batch that takes longer is not cut. */
const WORK_MS = 4;
const REST_SHARE = 2;
/** Also where a slice was long, or the clock was put forward. */
const REST_MS_MAX = 100;
/** Where a clock stands still, as one in a test, bytes end a slice. */
export const SLICE_BYTES = 256 * 1024;

/** Thrown into whatever the cleaner does, when the log closes. */
export class CleanerStopped extends Error {}

export class Pacer {
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #signal: AbortSignal;
  #startedMs: number;
  #bytes = 0;

  constructor(clock: Clock, sleep: Sleep, signal: AbortSignal) {
    this.#clock = clock;
    this.#sleep = sleep;
    this.#signal = signal;
    this.#startedMs = clock.monotonicMs();
  }

  /** Whether it is time to rest, `bytes` after the last time it was asked. */
  isDue(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes >= SLICE_BYTES || this.#clock.monotonicMs() - this.#startedMs >= WORK_MS;
  }

  /** @throws CleanerStopped */
  async rest(): Promise<void> {
    const workedMs = this.#clock.monotonicMs() - this.#startedMs;
    const restMs = Math.min(Math.ceil(workedMs * REST_SHARE), REST_MS_MAX);
    if (restMs > 0) await this.#sleep(restMs, this.#signal);
    else await new Promise(setImmediate);
    this.check();
    this.begin();
  }

  /** A slice begins. */
  begin(): void {
    this.#bytes = 0;
    this.#startedMs = this.#clock.monotonicMs();
  }

  /** @throws CleanerStopped */
  check(): void {
    if (this.#signal.aborted) throw new CleanerStopped("the cleaner was stopped");
  }
}
