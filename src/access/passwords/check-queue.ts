/**
 * The line in front of the costly checks. At most so many run at once and so many wait, in all and
 * for one network; networks take turns, so that a flood from one of them makes the others wait for
 * one check each, not for the flood. Who goes while it waits leaves its place to another.
 */
import { TributaryError } from "../../base/errors.ts";
import { networkOf } from "./network.ts";

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

export const TOKEN_CHECKS_AT_ONCE_MAX = 2;
export const TOKEN_CHECKS_WAITING_MAX = 10_000;

/** A signature takes a thread for a moment alone: a whole fleet may wait, also behind one address. */
export const TOKEN_CHECK_LIMITS: CheckLimits = {
  atOnceMax: TOKEN_CHECKS_AT_ONCE_MAX,
  waitingMax: TOKEN_CHECKS_WAITING_MAX,
  waitingPerAddressMax: TOKEN_CHECKS_WAITING_MAX,
};

type Begin = () => void;

export class CheckQueue {
  readonly #limits: CheckLimits;
  /** In the order of their next turn; who has waited longest comes first in each. */
  readonly #waiting = new Map<string, Set<Begin>>();
  #waitingCount = 0;
  #running = 0;

  constructor(limits: CheckLimits = CHECK_LIMITS) {
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  /**
   * Runs `check` when its turn comes. `gone`: nobody waits for it any more.
   * @throws LIMIT_EXCEEDED at once where too many wait; ACCESS_DENIED once `gone` before its turn
   */
  async run<T>(address: string, check: () => Promise<T>, gone?: AbortSignal): Promise<T> {
    if (gone?.aborted === true) throw hungUp();
    if (this.#running < this.#limits.atOnceMax) this.#running += 1;
    else await this.#turn(networkOf(address), gone);
    try {
      return await check();
    } finally {
      this.#next();
    }
  }

  async #turn(network: string, gone: AbortSignal | undefined): Promise<void> {
    const line = this.#waiting.get(network) ?? new Set();
    const { waitingMax, waitingPerAddressMax } = this.#limits;
    if (this.#waitingCount >= waitingMax || line.size >= waitingPerAddressMax) {
      const message = "Too many clients want their password checked: try again in a while.";
      throw new TributaryError("LIMIT_EXCEEDED", message);
    }
    const { promise, resolve: begin, reject } = Promise.withResolvers<void>();
    const leave = () => {
      if (this.#remove(network, line, begin)) reject(hungUp());
    };
    line.add(begin);
    this.#waiting.set(network, line);
    this.#waitingCount += 1;
    gone?.addEventListener("abort", leave, { once: true });
    await promise.finally(() => gone?.removeEventListener("abort", leave));
  }

  /** False where its turn has come already. */
  #remove(network: string, line: Set<Begin>, begin: Begin): boolean {
    if (!line.delete(begin)) return false;
    this.#waitingCount -= 1;
    if (line.size === 0 && this.#waiting.get(network) === line) this.#waiting.delete(network);
    return true;
  }

  /** Hands the place of a check that has ended to the next network's first. */
  #next(): void {
    const [turn] = this.#waiting;
    if (turn === undefined) {
      this.#running -= 1;
      return;
    }
    const [network, line] = turn;
    const [begin] = line;
    this.#waiting.delete(network);
    if (line.size > 1) this.#waiting.set(network, line);
    if (begin !== undefined) this.#remove(network, line, begin);
    begin?.();
  }
}

/** Nobody is there to be told so. */
export function hungUp(): TributaryError {
  return new TributaryError("ACCESS_DENIED", "The client hung up before it was its turn.");
}
