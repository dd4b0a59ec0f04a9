/**
 * How many partitions the fetches of all connections look at together: each costs some hundred bytes
 * for as long as its fetch waits. Owner of the sum. Where a large fetch finds no room, it is answered
 * nothing and told to ask again a little later, and the large ones that wait are answered at once, so
 * that others get their turn. A fetch of no more than an even share for each connection always has room.
 */
export interface FetchesUnderWayLimits {
  readonly fetchPartitionsTotalMax: number;
  readonly connectionsMax: number;
}

export class FetchesUnderWay {
  readonly #partitionsMax: number;
  readonly #share: number;
  readonly #waiting = new Set<() => void>();
  #partitions = 0;

  constructor({ fetchPartitionsTotalMax, connectionsMax }: FetchesUnderWayLimits) {
    this.#partitionsMax = fetchPartitionsTotalMax;
    this.#share = Math.floor(fetchPartitionsTotalMax / connectionsMax);
  }

  get partitions(): number {
    return this.#partitions;
  }

  /** Whether a fetch of so many partitions may begin; it has to `end`, then. */
  begin(partitions: number): boolean {
    if (partitions > this.#share && this.#partitions + partitions > this.#partitionsMax) {
      for (const hurry of [...this.#waiting]) hurry();
      return false;
    }
    this.#partitions += partitions;
    return true;
  }

  end(partitions: number): void {
    this.#partitions -= partitions;
  }

  /** Calls `hurry` when others need the room of a fetch of so many partitions that waits. */
  onLack(partitions: number, hurry: () => void): () => void {
    if (partitions <= this.#share) return () => {};
    this.#waiting.add(hurry);
    return () => this.#waiting.delete(hurry);
  }
}
