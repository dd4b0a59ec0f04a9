/**
 * One client's queue: its figures, and whatever of it has still to reach the disk. Entries on disk
 * take no memory. Owner: {@link QueueStore}, which decides when a write begins and hears how it ends.
 *
 * Sequences run through four zones, of which the last two are in memory:
 *
 *       gone  | first ... on disk | ... being written | ... gathering |  next
 *
 * Changes of entries on disk (removed, sent, released) lie over them until they are written.
 */
import type { KeyValues, StateValue } from "../../src/log/contract.ts";
import type { QueuedMessage, Sequence } from "./queue-contract.ts";
import { encodeHead, entryKey, headKey, type QueueHead, sequenceOf } from "./queue-head.ts";
import type { SharedBodies } from "./shared-bodies.ts";
import { type EntrySize, sizeOf } from "./stored-entry.ts";

export interface FoundEntry {
  readonly sequence: Sequence;
  readonly value: Uint8Array;
  /** What `value` encodes, where that is at hand. */
  readonly queued: QueuedMessage | undefined;
}

/** What all queues hold together. */
export interface QueueTotals {
  count: number;
  bytes: number;
}

export type Change = [key: string, value: StateValue];

/** What all queues have in common. */
export interface QueueParts {
  readonly store: KeyValues;
  readonly totals: QueueTotals;
  readonly bodies: SharedBodies;
}

interface Pending {
  /** Undefined: removed. */
  readonly value: Uint8Array | undefined;
  readonly queued: QueuedMessage | undefined;
}

type PendingEntries = Map<Sequence, Pending>;

const REMOVED: Pending = { value: undefined, queued: undefined };
const NONE: ReadonlyMap<Sequence, Pending> = new Map();

export class ClientQueue {
  /** The client's part of every key. */
  readonly key: string;
  readonly #store: KeyValues;
  readonly #totals: QueueTotals;
  readonly #bodies: SharedBodies;
  #count: number;
  #bytes: number;
  #first: Sequence;
  #next: Sequence;
  #notedUpTo: Sequence;
  #sweepTo: Sequence;
  #protectedUpTo: Sequence = 0;
  /** Up to here a full queue has dropped all that it may. */
  #droppedUpTo: Sequence = 0;
  #ended: boolean;
  #gathering: PendingEntries | undefined;
  #flying: ReadonlyMap<Sequence, Pending> | undefined;
  /** Entries below it have been written, or are being written. */
  #handedTo: Sequence;
  /** Entries below it are on disk. */
  #onDiskTo: Sequence;

  constructor(key: string, { store, totals, bodies }: QueueParts, head: QueueHead) {
    this.key = key;
    this.#store = store;
    this.#totals = totals;
    this.#bodies = bodies;
    this.#count = head.count;
    this.#bytes = head.bytes;
    this.#first = head.first;
    this.#next = head.next;
    this.#notedUpTo = head.notedUpTo;
    this.#sweepTo = head.sweepTo;
    // Cleared, and nothing queued since.
    this.#ended = head.sweepTo > 0 && head.count === 0;
    this.#handedTo = head.next;
    this.#onDiskTo = head.next;
    totals.count += head.count;
    totals.bytes += head.bytes;
  }

  get count(): number {
    return this.#count;
  }

  get next(): Sequence {
    return this.#next;
  }

  /** Entries below it were cleared and may still be on disk; 0: none. */
  get sweepTo(): Sequence {
    return this.#sweepTo;
  }

  /** Nothing is left of it, in memory or on disk, and its session has ended. */
  get over(): boolean {
    return this.#ended && this.#count === 0 && this.#sweepTo === 0 && !this.#gathering;
  }

  /** Its entries from `from` on, in order. It must not change meanwhile. */
  *entries(from: Sequence): Generator<FoundEntry> {
    const start = Math.max(from, this.#first);
    if (start < this.#onDiskTo) {
      const range = { start: this.#entryKey(start), end: this.#entryKey(this.#onDiskTo) };
      for (const [key, value] of this.#store.entries(range)) {
        const sequence = sequenceOf(key);
        const found = over(sequence, this.#pending(sequence), value);
        if (found !== undefined) yield found;
      }
    }
    for (let at = Math.max(start, this.#onDiskTo); at < this.#next; at += 1) {
      const found = over(at, this.#pending(at), undefined);
      if (found !== undefined) yield found;
    }
  }

  find(sequence: Sequence): FoundEntry | undefined {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    const pending = this.#pending(sequence);
    if (pending !== undefined || sequence >= this.#onDiskTo) {
      return over(sequence, pending, undefined);
    }
    return over(sequence, undefined, this.#store.get(this.#entryKey(sequence)));
  }

  /** The oldest entry that a full queue may drop. */
  oldestToDrop(): FoundEntry | undefined {
    const keptUpTo = Math.max(this.#protectedUpTo, this.#notedUpTo, this.#droppedUpTo);
    for (const entry of this.entries(keptUpTo + 1)) {
      this.#droppedUpTo = entry.sequence;
      return entry;
    }
    return undefined;
  }

  protect(upTo: Sequence): void {
    this.#protectedUpTo = upTo;
  }

  add(value: Uint8Array, queued: QueuedMessage): Sequence {
    const sequence = this.#next;
    this.#next += 1;
    this.#ended = false;
    this.#gather(sequence, { value, queued });
    const { bytes, body } = sizeOf(value);
    if (body !== undefined) this.#bodies.hold(body);
    this.#grow(1, bytes);
    return sequence;
  }

  /**
   * Notes that an entry has been sent, or is its subscriber's: from here on it has another value,
   * which may do without the message.
   */
  replace(entry: FoundEntry, value: Uint8Array): void {
    this.#notedUpTo = Math.max(this.#notedUpTo, entry.sequence);
    this.#gather(entry.sequence, { value, queued: undefined });
    const before = sizeOf(entry.value);
    const after = sizeOf(value);
    if (before.body !== undefined && after.body === undefined) this.#bodies.release(before.body);
    this.#grow(0, after.bytes - before.bytes);
  }

  /** Removes an entry that is there, of this size. */
  remove(sequence: Sequence, { bytes, body }: EntrySize): void {
    // What no write has taken yet never needs to reach the disk.
    if (sequence >= this.#handedTo) this.#gathering?.delete(sequence);
    else this.#gather(sequence, REMOVED);
    if (sequence === this.#first) this.#first += 1;
    if (body !== undefined) this.#bodies.release(body);
    this.#grow(-1, -bytes);
  }

  /** The session ends: entries are gone from here on; those on disk are to be swept. */
  clear(): void {
    this.#ended = true;
    this.#protectedUpTo = 0;
    if (this.#count === 0) return;
    this.#grow(-this.#count, -this.#bytes);
    // What changes an older entry is still written: who sweeps that one must see it.
    for (const [sequence, { value }] of this.#gathering ?? NONE) {
      if (sequence >= this.#handedTo) this.#forget(sequence, value);
    }
    this.#sweepTo = this.#next;
  }

  /** What was cleared and is still on disk below `to`. */
  cleared(to: Sequence, limit: number): Iterable<readonly [key: string, value: Uint8Array]> {
    return this.#store.entries({ start: this.#entryKey(0), end: this.#entryKey(to), limit });
  }

  /** Nothing is left on disk below `to`. */
  swept(to: Sequence): void {
    if (this.#sweepTo === to) this.#sweepTo = 0;
  }

  /** A write begins: adds all that it shall carry to `changes`. */
  takeChanges(changes: Change[]): void {
    this.#flying = this.#gathering ?? NONE;
    for (const [sequence, { value }] of this.#flying) {
      changes.push([this.#entryKey(sequence), value]);
    }
    this.#gathering = undefined;
    this.#handedTo = this.#next;
    changes.push([headKey(this.key), this.over ? undefined : this.#head()]);
  }

  written(): void {
    this.#flying = undefined;
    this.#onDiskTo = this.#handedTo;
  }

  /** The write has failed: what was new in it is gone; changes of older entries try again. */
  notWritten(): void {
    const flying = this.#flying ?? NONE;
    this.#flying = undefined;
    for (const [sequence, pending] of flying) {
      const latest = this.#gathering?.get(sequence) ?? pending;
      if (sequence < this.#onDiskTo) {
        this.#gather(sequence, latest);
        continue;
      }
      // What was cleared meanwhile is not counted any more.
      if (latest.value !== undefined && sequence >= this.#first) {
        this.#grow(-1, -sizeOf(latest.value).bytes);
      }
      this.#forget(sequence, latest.value);
    }
    this.#onDiskTo = this.#handedTo;
  }

  /** An entry that never reaches the disk. */
  #forget(sequence: Sequence, value: Uint8Array | undefined): void {
    this.#gathering?.delete(sequence);
    if (this.#gathering?.size === 0) this.#gathering = undefined;
    const body = value && sizeOf(value).body;
    if (body !== undefined) this.#bodies.release(body);
  }

  #pending(sequence: Sequence): Pending | undefined {
    return this.#gathering?.get(sequence) ?? this.#flying?.get(sequence);
  }

  #gather(sequence: Sequence, pending: Pending): void {
    this.#gathering ??= new Map();
    this.#gathering.set(sequence, pending);
  }

  #grow(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
    this.#totals.count += count;
    this.#totals.bytes += bytes;
    if (this.#count === 0) this.#first = this.#next;
  }

  #head(): Buffer {
    return encodeHead({
      count: this.#count,
      bytes: this.#bytes,
      first: this.#first,
      next: this.#next,
      notedUpTo: this.#notedUpTo,
      sweepTo: this.#sweepTo,
    });
  }

  #entryKey(sequence: Sequence): string {
    return entryKey(this.key, sequence);
  }
}

/** What is there of an entry, once what is pending lies over what the disk has. */
function over(
  sequence: Sequence,
  pending: Pending | undefined,
  onDisk: Uint8Array | undefined,
): FoundEntry | undefined {
  const value = pending === undefined ? onDisk : pending.value;
  return value === undefined ? undefined : { sequence, value, queued: pending?.queued };
}
