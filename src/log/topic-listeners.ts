import type { TopicChange, Unsubscribe } from "./contract.ts";

/** Who wants to know that topics come, go or change. Owner of the subscriptions. */
export class TopicListeners {
  readonly #listeners = new Set<(change: TopicChange) => void>();

  add(listener: (change: TopicChange) => void): Unsubscribe {
    // A wrapper, so that the same function may be subscribed twice and taken back once.
    const entry = (change: TopicChange) => listener(change);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  tell(change: TopicChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
