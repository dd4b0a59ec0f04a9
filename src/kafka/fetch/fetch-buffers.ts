/**
 * The memory that fetched batches stand in between the log and the socket: slabs, filled one batch
 * after the other, and used again once the socket has taken them. Owner of what is idle,
 * and of how much all answers together hold: what is over the limit waits. Whoever holds some without
 * need is told then, and again each second for as long as somebody waits.
 *
 * A slab is used again only where the whole answer was taken. Where a connection broke, nobody knows
 * who still reads it, so it is dropped. The slab given back last is taken first: it is still in the
 * processor's cache.
 */
import type { BatchRoom } from "../../log/contract.ts";
import { Reminder } from "../reminder.ts";

/** A default batch of the largest size fits in. Larger slabs fall out of the cache. */
export const SLAB_BYTES = 1024 * 1024 + 4096;
/** An answer begins with a small one: many are short, and may be long in waiting for more. */
export const FIRST_SLAB_BYTES = 64 * 1024;

export interface FetchBufferLimits {
  /** Of all answers that are read and not yet taken by their clients. */
  readonly fetchAnswersBytesMax: number;
  /** Kept for the next answers. */
  readonly fetchIdleBytesMax: number;
}

export class FetchBuffers {
  readonly #limits: FetchBufferLimits;
  /** By their size. */
  readonly #idle = new Map<number, Buffer[]>([
    [FIRST_SLAB_BYTES, []],
    [SLAB_BYTES, []],
  ]);
  readonly #waiting = new Set<() => void>();
  readonly #holders = new Set<() => void>();
  readonly #lacking: () => void;
  readonly #reminder = new Reminder(() => this.#lack());
  #bytesInUse = 0;
  #bytesIdle = 0;

  /** `lacking` is called when a fetch lacks what others hold, until it lacks it no more. */
  constructor(limits: FetchBufferLimits, lacking: () => void) {
    this.#limits = limits;
    this.#lacking = lacking;
  }

  /** What answers hold that their clients have not taken. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  get bytesIdle(): number {
    return this.#bytesIdle;
  }

  get isFull(): boolean {
    return this.#bytesInUse >= this.#limits.fetchAnswersBytesMax;
  }

  open(): FetchRoom {
    return new FetchRoom(this);
  }

  /** Calls `listener`, once, when there is room again. */
  onRoom(listener: () => void): () => void {
    this.#waiting.add(listener);
    this.#reminder.on = true;
    this.#lack();
    return () => this.#forget(listener);
  }

  /** Calls `listener` when somebody lacks memory: for who holds some while it waits for more records. */
  onLack(listener: () => void): () => void {
    this.#holders.add(listener);
    return () => this.#holders.delete(listener);
  }

  /** Undefined where all answers together would become too large. */
  take(bytes: number, isFirst: boolean): Buffer | undefined {
    if (this.isFull) {
      this.#lack();
      return undefined;
    }
    const usual = isFirst && bytes <= FIRST_SLAB_BYTES ? FIRST_SLAB_BYTES : SLAB_BYTES;
    const size = Math.max(usual, bytes);
    this.#bytesInUse += size;
    const idle = this.#idle.get(size)?.pop();
    if (idle === undefined) return Buffer.allocUnsafeSlow(size);
    this.#bytesIdle -= size;
    return idle;
  }

  giveBack(slabs: readonly Buffer[], unread: boolean): void {
    const { fetchIdleBytesMax } = this.#limits;
    for (const slab of slabs) {
      this.#bytesInUse -= slab.length;
      const idle = unread ? this.#idle.get(slab.length) : undefined;
      if (idle === undefined || this.#bytesIdle + slab.length > fetchIdleBytesMax) continue;
      idle.push(slab);
      this.#bytesIdle += slab.length;
    }
    for (const listener of [...this.#waiting]) {
      if (this.isFull) return;
      this.#forget(listener);
      listener();
    }
  }

  #forget(listener: () => void): void {
    this.#waiting.delete(listener);
    this.#reminder.on = this.#waiting.size > 0;
  }

  #lack(): void {
    for (const listener of [...this.#holders]) listener();
    this.#lacking();
  }
}

/** The slabs of one answer. */
export class FetchRoom implements BatchRoom {
  readonly #buffers: FetchBuffers;
  readonly #slabs: Buffer[] = [];
  #slab: Buffer | undefined;
  #used = 0;
  #closed = false;
  /** The last batch found no memory. */
  lacks = false;

  constructor(buffers: FetchBuffers) {
    this.#buffers = buffers;
  }

  keep(batch: Buffer): Buffer | undefined {
    const { length } = batch;
    if (this.#slab === undefined || this.#used + length > this.#slab.length) {
      const slab = this.#buffers.take(length, this.#slabs.length === 0);
      this.lacks = slab === undefined;
      if (slab === undefined) return undefined;
      this.#slabs.push(slab);
      this.#slab = slab;
      this.#used = 0;
    }
    const kept = this.#slab.subarray(this.#used, this.#used + length);
    kept.set(batch);
    this.#used += length;
    return kept;
  }

  /**
   * The answer has gone its way, or never will. `taken`: nobody reads its bytes any more. Further
   * calls change nothing.
   */
  close(taken: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#slab = undefined;
    this.#buffers.giveBack(this.#slabs, taken);
  }
}
