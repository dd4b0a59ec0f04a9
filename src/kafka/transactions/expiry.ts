/**
 * Forgets transactional ids that nobody has used for `idExpiryMs`. Their producers, should they come
 * back, are told that they are not known, and ask for a producer id anew.
 */
import type { Clock } from "../../base/clock.ts";
import { SettledClock } from "../../base/settled-clock.ts";
import type { CancelTimer, Timers } from "../../base/timers.ts";
import { isIdle, type Transaction, type TransactionDirectory } from "./directory.ts";
import type { TransactionLimits } from "./limits.ts";

export interface ExpiryParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits: TransactionLimits;
  readonly directory: TransactionDirectory;
  readonly forget: (transactions: readonly Transaction[]) => void;
}

export class TransactionExpiry {
  readonly #parts: ExpiryParts;
  readonly #settledClock: SettledClock;
  #cancelTimer: CancelTimer = () => {};

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#settledClock = new SettledClock(parts.clock, parts.limits.expiryGraceMs);
    this.#schedule();
  }

  close(): void {
    this.#cancelTimer();
  }

  #schedule(): void {
    const { timers, limits } = this.#parts;
    this.#cancelTimer = timers.after(limits.expiryCheckMs, () => {
      this.#look();
      this.#schedule();
    });
  }

  #look(): void {
    const { clock, limits, directory, forget } = this.#parts;
    if (!this.#settledClock.isSettled()) return;
    const usedSinceMs = clock.nowMs() - limits.idExpiryMs;
    const idle = directory.all().filter(isIdle);
    forget(idle.filter(({ record }) => record.changedAtMs <= usedSinceMs));
  }
}
