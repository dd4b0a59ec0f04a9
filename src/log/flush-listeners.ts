import type { Partition, Unsubscribe } from "./contract.ts";

/**
 * Who wants to know that a partition has grown. Calls come after the flush, each listener once a
 * flush however many of its partitions grew. Owner of the subscriptions.
 */
export class FlushListeners {
  readonly #byPartition = new Map<Partition, Set<() => void>>();

  add(partitions: readonly Partition[], listener: () => void): Unsubscribe {
    // A wrapper, so that the same function may be subscribed twice and taken back once.
    const entry = () => listener();
    for (const partition of partitions) {
      const listeners = this.#byPartition.get(partition);
      if (listeners === undefined) this.#byPartition.set(partition, new Set([entry]));
      else listeners.add(entry);
    }
    return () => {
      for (const partition of partitions) {
        const listeners = this.#byPartition.get(partition);
        listeners?.delete(entry);
        if (listeners?.size === 0) this.#byPartition.delete(partition);
      }
    };
  }

  flushed(partitions: Iterable<Partition>): void {
    if (this.#byPartition.size === 0) return;
    const called = new Set<() => void>();
    for (const partition of partitions) {
      for (const listener of this.#byPartition.get(partition) ?? []) called.add(listener);
    }
    for (const listener of called) listener();
  }
}
