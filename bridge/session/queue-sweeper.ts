/**
 * Removes from the disk what was cleared: a session's end does not wait for a million messages to be
 * deleted. One queue after the other; what a stop or a failure leaves, the next start sweeps, for
 * the queue's head tells it.
 */
import type { ClientQueue } from "./client-queue.ts";

export class QueueSweeper {
  readonly #waiting = new Set<ClientQueue>();
  readonly #swept: (queue: ClientQueue) => void;
  readonly #failed: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(swept: (queue: ClientQueue) => void, failed: (error: unknown) => void) {
    this.#swept = swept;
    this.#failed = failed;
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
      try {
        await this.#sweep(queue);
      } catch (error) {
        this.#failed(error);
      }
      this.#waiting.delete(queue);
    }
    this.#running = undefined;
  }

  async #sweep(queue: ClientQueue): Promise<void> {
    const to = queue.sweepTo;
    while (!this.#stopped) {
      if (!(await queue.sweep(to))) continue;
      queue.swept(to);
      this.#swept(queue);
      return;
    }
  }
}
