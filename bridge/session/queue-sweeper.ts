/**
 * Removes from the disk what was cleared: a session's end does not wait for a million messages to be
 * deleted. One queue after the other; what a stop or a failure leaves, the next start sweeps, for
 * the queue's head tells it.
 */
import { isTributaryError } from "../../src/base/errors.ts";
import type { ClientQueue } from "./client-queue.ts";
import type { Sequence } from "./queue-contract.ts";

export interface QueueSweeperParts {
  /**
   * Removes some of what is on disk below `to`, and resolves when that is on disk; true where it was
   * the last of it.
   */
  readonly sweep: (queue: ClientQueue, to: Sequence) => Promise<boolean>;
  readonly swept: (queue: ClientQueue) => void;
}

export class QueueSweeper {
  readonly #parts: QueueSweeperParts;
  readonly #waiting = new Set<ClientQueue>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: QueueSweeperParts) {
    this.#parts = parts;
  }

  /** The head of `queue` that says what is to be swept must be on disk by now. */
  add(queue: ClientQueue): void {
    this.#waiting.add(queue);
    this.#running ??= this.#run();
  }

  /** Resolves when it has let go of the disk; what is left waits for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (const queue of this.#waiting) {
      await this.#sweep(queue).catch(toldAlready);
      this.#waiting.delete(queue);
    }
    this.#running = undefined;
  }

  async #sweep(queue: ClientQueue): Promise<void> {
    const to = queue.sweepTo;
    while (!this.#stopped) {
      if (!(await this.#parts.sweep(queue, to))) continue;
      queue.swept(to);
      this.#parts.swept(queue);
      return;
    }
  }
}

/** A write that failed has been told of; what it was to remove goes along with the next. */
function toldAlready(error: unknown): void {
  if (!isTributaryError(error)) throw error;
}
