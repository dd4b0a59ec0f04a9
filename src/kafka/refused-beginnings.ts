/**
 * Producers whose first batch in a partition was refused, or was not written, while nothing was known
 * of them there. An idempotent producer has several batches in flight (KIP-98): were the second one
 * taken as a beginning, the first would come too late when it is sent again.
 *
 * Owner of what is remembered of that: in memory only, for minutes, and of so many, the oldest given
 * up first. Nobody is locked out: a client sends the first batch again, or gives it up, for which it
 * begins at sequence 0 again.
 */
import type { Clock } from "../base/clock.ts";

/** Longer than clients try a batch for (delivery.timeout.ms is two minutes by default). */
export const REMEMBERED_MS = 5 * 60 * 1000;
export const REFUSED_BEGINNINGS_MAX = 1_000;

interface Beginning {
  readonly sequence: number;
  /** Monotonic, in milliseconds. */
  readonly refusedAtMs: number;
}

export class RefusedBeginnings {
  readonly #clock: Clock;
  /** By the producer's key, the one refused longest ago first. */
  readonly #beginnings = new Map<string, Beginning>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(key: string, sequence: number): void {
    this.#beginnings.delete(key);
    this.#beginnings.set(key, { sequence, refusedAtMs: this.#clock.monotonicMs() });
    for (const [oldest] of this.#beginnings) {
      if (this.#beginnings.size <= REFUSED_BEGINNINGS_MAX) return;
      this.#beginnings.delete(oldest);
    }
  }

  /** Call it when a batch of the producer has been taken. */
  forget(key: string): void {
    this.#beginnings.delete(key);
  }

  /** The sequence that was refused last as a beginning; undefined where none was of late. */
  sequenceOf(key: string): number | undefined {
    const beginning = this.#beginnings.get(key);
    if (beginning === undefined) return undefined;
    if (this.#clock.monotonicMs() - beginning.refusedAtMs <= REMEMBERED_MS) {
      return beginning.sequence;
    }
    this.#beginnings.delete(key);
    return undefined;
  }
}
