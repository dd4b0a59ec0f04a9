/**
 * Group commit for a store of sessions: while one write is on its way to the disk, the next gathers.
 * So the groups reach the disk in order, whatever asks for them, and a slow disk makes them larger
 * instead of more.
 *
 * What is gathered is the store's business; the line decides when it is written.
 */
import type { CancelTimer, Timers } from "../../src/base/timers.ts";

export interface WriteLineOptions {
  /**
   * Takes what has gathered and writes it; called again only when its answer has settled. What it
   * throws, all who wait for that group are thrown.
   */
  readonly write: () => Promise<void>;
  readonly timers: Timers;
  /** How long a write that nobody waits for may gather. */
  readonly behindMsMax?: number;
}

const BEHIND_MS_MAX = 25;

export class WriteLine {
  readonly #options: WriteLineOptions;
  #gathering: PromiseWithResolvers<void> | undefined;
  #flying: Promise<void> | undefined;
  #wanted = false;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: WriteLineOptions) {
    this.#options = options;
  }

  /** Writes what has gathered as soon as the line is free; resolves when it is on disk. */
  soon(): Promise<void> {
    const { promise } = this.#gather();
    if (!this.#wanted) {
      this.#wanted = true;
      // All that this turn of the event loop adds goes along.
      queueMicrotask(() => void this.#start());
    }
    return promise;
  }

  /** The same with the next group that somebody waits for, or a moment later by itself. */
  behind(): Promise<void> {
    const { promise } = this.#gather();
    const { timers, behindMsMax = BEHIND_MS_MAX } = this.#options;
    if (!this.#wanted) {
      this.#cancelTimer ??= timers.after(behindMsMax, () => {
        this.#cancelTimer = undefined;
        void this.soon();
      });
    }
    return promise;
  }

  /** Resolves when all that has gathered so far is on disk. */
  async flush(): Promise<void> {
    if (this.#gathering !== undefined) await this.soon();
    else await this.#flying;
  }

  #gather(): PromiseWithResolvers<void> {
    if (this.#gathering === undefined) {
      this.#gathering = Promise.withResolvers<void>();
      // Whoever does not wait for a write is not to be told that it failed.
      this.#gathering.promise.catch(() => {});
    }
    return this.#gathering;
  }

  async #start(): Promise<void> {
    const group = this.#gathering;
    if (this.#flying !== undefined || group === undefined) return;
    this.#gathering = undefined;
    this.#wanted = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#flying = group.promise;
    try {
      await this.#options.write();
      group.resolve();
    } catch (error) {
      group.reject(error);
    } finally {
      this.#flying = undefined;
    }
    if (this.#wanted) void this.#start();
  }
}
