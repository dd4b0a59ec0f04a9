import type { Log, Partition } from "../../log/contract.ts";
import type { FetchBuffers } from "./fetch-buffers.ts";

/**
 * Waits for something new in some partitions, a flush or the end of their topic, until a deadline or
 * an abort. Owner of the subscriptions, from its making to `end`.
 */
export class FetchWait {
  #news = false;
  #over: boolean;
  #wake: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #signal: AbortSignal;
  /** Over at once: the time has come, the client has gone, or others need what it holds. */
  readonly hurry = () => {
    this.#over = true;
    this.#wake?.();
  };
  readonly #onNews = () => {
    this.#news = true;
    this.#wake?.();
  };

  constructor(log: Log, partitions: readonly Partition[], waitMsMax: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#over = waitMsMax <= 0 || signal.aborted;
    if (this.#over) return;
    this.#timer = setTimeout(this.hurry, waitMsMax);
    signal.addEventListener("abort", this.hurry);
    const topics = new Set(partitions.map(({ topic }) => topic));
    this.#unsubscribe.push(
      log.onFlush(partitions, this.#onNews),
      log.onTopics(({ name, kind }) => {
        if (kind === "deleted" && topics.has(name)) this.#onNews();
      }),
    );
  }

  /** True when there was news since the last call; false when the wait is over. */
  async next(): Promise<boolean> {
    if (!this.#news && !this.#over) await this.#woken();
    const isNews = this.#news && !this.#over;
    this.#news = false;
    return isNews;
  }

  /** The same for who holds memory of `buffers`: it is over when others lack that. */
  async nextHolding(buffers: FetchBuffers): Promise<boolean> {
    if (buffers.isFull) return false;
    const unsubscribe = buffers.onLack(this.hurry);
    const isNews = await this.next();
    unsubscribe();
    return isNews;
  }

  /** Resolves when answers may hold more memory again; false when the wait is over. */
  async room(buffers: FetchBuffers): Promise<boolean> {
    while (buffers.isFull && !this.#over) {
      const unsubscribe = buffers.onRoom(() => this.#wake?.());
      await this.#woken();
      unsubscribe();
    }
    return !buffers.isFull;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.hurry);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
