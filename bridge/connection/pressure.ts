/**
 * How many bytes of messages wait for their flush, per connection and in all, and who must not be
 * read while it is too many. With this, what a slow disk piles up ends in the devices' TCP windows.
 * Nor is more than some read in one turn of the event loop: a flush that is done, and whoever has
 * little to say, would wait for the end of it.
 *
 * A socket is read in chunks: the limits are exceeded by at most one chunk (64 KiB) a connection.
 */
export interface PressureLimits {
  readonly pendingBytesMax: number;
  readonly connectionPendingBytesMax: number;
  readonly turnBytesMax: number;
}

/** One connection's share; its owner is {@link Pressure}. */
export class Load {
  pendingBytes = 0;
  readonly reader: HeldReader;

  constructor(reader: HeldReader) {
    this.reader = reader;
  }
}

/** Whoever reads the connection. */
export interface HeldReader {
  /** It was held back, and may be read again. */
  offer(): void;
}

export class Pressure {
  readonly #limits: PressureLimits;
  readonly #held = new Set<Load>();
  #pendingBytes = 0;
  /** Those who are read again in the next turn. */
  readonly #resting = new Set<Load>();
  #turnBytes = 0;
  #turnEnds = false;

  constructor(limits: PressureLimits) {
    this.#limits = limits;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Connections not read at the moment. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** May this connection be read now? Where not, it will be told when it may. */
  admits(load: Load): boolean {
    const { pendingBytesMax, connectionPendingBytesMax } = this.#limits;
    if (this.#pendingBytes < pendingBytesMax && load.pendingBytes < connectionPendingBytesMax) {
      return true;
    }
    this.#held.add(load);
    return false;
  }

  /** Has enough been read in this turn? Then it must pause, and will be told in the next one. */
  mustRest(load: Load): boolean {
    if (this.#turnBytes < this.#limits.turnBytesMax) return false;
    this.#resting.add(load);
    return true;
  }

  take(load: Load | undefined, bytes: number): void {
    this.#pendingBytes += bytes;
    if (load !== undefined) load.pendingBytes += bytes;
    this.#turnBytes += bytes;
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => this.#nextTurn());
  }

  release(load: Load | undefined, bytes: number): void {
    this.#pendingBytes -= bytes;
    if (load !== undefined) load.pendingBytes -= bytes;
    if (this.#held.size === 0 || this.#pendingBytes >= this.#limits.pendingBytesMax) return;
    for (const held of [...this.#held]) {
      if (held.pendingBytes >= this.#limits.connectionPendingBytesMax) continue;
      this.#held.delete(held);
      held.reader.offer();
    }
  }

  /** The connection is gone: nobody waits for it. */
  forget(load: Load): void {
    this.#held.delete(load);
    this.#resting.delete(load);
  }

  #nextTurn(): void {
    this.#turnEnds = false;
    this.#turnBytes = 0;
    if (this.#resting.size === 0) return;
    const rested = [...this.#resting];
    this.#resting.clear();
    for (const load of rested) load.reader.offer();
  }
}
