/**
 * The line in front of the costly checks. At most so many run at once and so many wait, in all and
 * for one address; addresses take turns, so that a flood from one of them makes the others wait for
 * one check each, not for the flood.
 */
import { TributaryError } from "../../base/errors.ts";

export interface CheckLimits {
  readonly atOnceMax: number;
  readonly waitingMax: number;
  readonly waitingPerAddressMax: number;
}

/** Two of libuv's four threads: the other two are the disk's. */
export const CHECK_LIMITS: CheckLimits = {
  atOnceMax: 2,
  waitingMax: 1024,
  waitingPerAddressMax: 512,
};

export class CheckQueue {
  readonly #limits: CheckLimits;
  /** In the order of their next turn. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #waitingCount = 0;
  #running = 0;

  constructor(limits: CheckLimits = CHECK_LIMITS) {
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Runs `check` when its turn comes. @throws LIMIT_EXCEEDED at once where too many wait */
  async run<T>(address: string, check: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.atOnceMax) this.#running += 1;
    else await this.#turn(address);
    try {
      return await check();
    } finally {
      this.#next();
    }
  }

  #turn(address: string): Promise<void> {
    const line = this.#waiting.get(address) ?? [];
    const { waitingMax, waitingPerAddressMax } = this.#limits;
    if (this.#waitingCount >= waitingMax || line.length >= waitingPerAddressMax) {
      const message = "Too many clients want their password checked: try again in a while.";
      throw new TributaryError("LIMIT_EXCEEDED", message);
    }
    this.#waitingCount += 1;
    this.#waiting.set(address, line);
    return new Promise((resolve) => line.push(resolve));
  }

  /** Hands the place of a check that has ended to the next address's first. */
  #next(): void {
    const [turn] = this.#waiting;
    if (turn === undefined) {
      this.#running -= 1;
      return;
    }
    const [address, line] = turn;
    const begin = line.shift();
    this.#waiting.delete(address);
    if (line.length > 0) this.#waiting.set(address, line);
    this.#waitingCount -= 1;
    begin?.();
  }
}
