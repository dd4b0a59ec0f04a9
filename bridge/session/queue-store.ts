/**
 * The queues of persistent sessions over the log's durable map, one {@link ClientQueue} a client;
 * what is promised stands in queue-contract.ts, the keys in queue-head.ts.
 *
 * Invariant: an entry and the head that counts it are one transaction, so a start reads the heads
 * alone; and so is what it shares with other queues (shared-bodies.ts). All changes go through one {@link WriteLine}, in order: many acknowledgements are one write.
 */
import type { Clock } from "../../src/base/clock.ts";
import { systemTimers, type Timers } from "../../src/base/timers.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";
import { type Change, ClientQueue, type FoundEntry, type QueueTotals } from "./client-queue.ts";
import type { QueuedMessage, QueueEntry, Sequence, SessionQueues } from "./queue-contract.ts";
import { clientKeyOfHead, decodeHead, HEADS, type QueueHead } from "./queue-head.ts";
import { makeRoom, type QueueLimits } from "./queue-limits.ts";
import { QueueSweeper } from "./queue-sweeper.ts";
import { SharedBodies } from "./shared-bodies.ts";
import { SharedImages } from "./shared-images.ts";
import {
  decodeEntry,
  type EntrySize,
  isReleased,
  releasedEntry,
  sizeOf,
  withPacketId,
} from "./stored-entry.ts";
import { WriteLine } from "./write-line.ts";

export interface QueueEvents {
  /** A limit dropped a message of this client. */
  dropped(clientId: string): void;
  /** Messages of this client expired before they were sent. */
  expired(clientId: string, count: number): void;
  /** A write that perhaps nobody waits for has failed. */
  failed(error: unknown): void;
}

export interface QueueStoreOptions {
  readonly store: KeyValues;
  readonly limits: QueueLimits;
  readonly events: QueueEvents;
  readonly clock: Clock;
  readonly timers?: Timers;
}

/** Entries whose removal may wait for company; then it is written at once. */
const REMOVED_BEHIND_MAX = 1_000;
/** What one transaction sweeps: others wait for it. */
const SWEPT_AT_ONCE_MAX = 2_000;
const SWEPT_BYTES_MAX = 4 * 1024 * 1024;

export class QueueStore implements SessionQueues {
  readonly #store: KeyValues;
  readonly #limits: QueueLimits;
  readonly #events: QueueEvents;
  readonly #clock: Clock;
  readonly #line: WriteLine;
  readonly #sweeper: QueueSweeper;
  /** By client key. */
  readonly #queues = new Map<string, ClientQueue>();
  readonly #totals: QueueTotals = { count: 0, bytes: 0 };
  readonly #bodies: SharedBodies;
  /** Changed since the last write began. */
  #changed = new Set<ClientQueue>();
  /** Keys of entries that a sweep removes. */
  #swept: string[] = [];
  #removedBehind = 0;
  /** Where the sequences of a new queue begin: above those of any queue that is gone. */
  #sequencesFrom: Sequence = 1;

  constructor({ store, limits, events, clock, timers = systemTimers }: QueueStoreOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#events = events;
    this.#clock = clock;
    this.#line = new WriteLine({ write: () => this.#write(), timers });
    this.#bodies = new SharedBodies(store);
    this.#sweeper = new QueueSweeper({
      sweep: (queue, to) => this.#sweep(queue, to),
      swept: (queue) => void this.#removed(queue, 0),
    });
    for (const [key, value] of store.entries(HEADS)) {
      const queue = this.#newQueue(clientKeyOfHead(key), decodeHead(value));
      this.#queues.set(queue.key, queue);
      if (queue.sweepTo > 0) this.#sweeper.add(queue);
    }
  }

  get count(): number {
    return this.#totals.count;
  }

  get bytes(): number {
    return this.#totals.bytes;
  }

  /** Of messages that are stored once for several clients: in {@link bytes} they count for each. */
  get sharedBytes(): number {
    return this.#bodies.bytes;
  }

  countOf(clientId: string): number {
    return this.#of(clientId)?.count ?? 0;
  }

  enqueue(messages: readonly QueuedMessage[]): {
    readonly sequences: readonly (Sequence | undefined)[];
    readonly written: Promise<void>;
  } {
    const images = new SharedImages(messages, this.#bodies);
    const sequences = messages.map((queued) => {
      const value = images.of(queued);
      const queue = this.#ofOrNew(queued.clientId);
      const dropped = () => this.#events.dropped(queued.clientId);
      const hasRoom = makeRoom(queue, sizeOf(value).bytes, this.#totals, this.#limits, dropped);
      // Also without room: the oldest may have gone before it showed that it does not help.
      this.#changed.add(queue);
      return hasRoom ? queue.add(value, queued) : undefined;
    });
    const written = messages.length === 0 ? Promise.resolve() : this.#line.soon();
    return { sequences, written };
  }

  read(clientId: string, after: Sequence, messagesMax: number, bytesMax: number): QueueEntry[] {
    const queue = this.#of(clientId);
    if (queue === undefined || queue.count === 0 || messagesMax < 1) return [];
    const nowMs = this.#clock.nowMs();
    const entries: QueueEntry[] = [];
    // Not their values: all that is queued may have expired.
    const expired: [sequence: Sequence, size: EntrySize][] = [];
    let bytes = 0;
    for (const found of queue.entries(after + 1)) {
      const size = sizeOf(found.value);
      if (entries.length > 0 && bytes + size.bytes > bytesMax) break;
      const entry = this.#entryOf(clientId, found);
      if (isExpired(entry, nowMs)) {
        expired.push([found.sequence, size]);
        continue;
      }
      entries.push(entry);
      bytes += size.bytes;
      if (entries.length >= messagesMax) break;
    }
    if (expired.length > 0) {
      for (const [sequence, size] of expired) queue.remove(sequence, size);
      this.#events.expired(clientId, expired.length);
      void this.#removed(queue, expired.length);
    }
    return entries;
  }

  protect(clientId: string, upTo: Sequence): void {
    this.#of(clientId)?.protect(upTo);
  }

  note(
    clientId: string,
    entries: readonly { sequence: Sequence; packetId: number; released: boolean }[],
  ): Promise<void> {
    const queue = this.#of(clientId);
    if (queue === undefined) return Promise.resolve();
    for (const { sequence, packetId, released } of entries) {
      const found = queue.find(sequence);
      if (found === undefined || (!released && isReleased(found.value))) continue;
      queue.replace(
        found,
        released ? releasedEntry(packetId) : withPacketId(found.value, packetId),
      );
    }
    this.#changed.add(queue);
    return this.#line.soon();
  }

  remove(clientId: string, sequences: readonly Sequence[]): Promise<void> {
    const queue = this.#of(clientId);
    if (queue === undefined) return Promise.resolve();
    let removed = 0;
    for (const sequence of sequences) {
      const found = queue.find(sequence);
      if (found === undefined) continue;
      queue.remove(sequence, sizeOf(found.value));
      removed += 1;
    }
    return this.#removed(queue, removed);
  }

  clear(clientId: string): Promise<void> {
    const queue = this.#of(clientId);
    return queue === undefined ? Promise.resolve() : this.#clear(queue);
  }

  async clearOthers(clientIds: Iterable<string>): Promise<void> {
    const kept = new Set<string>();
    for (const clientId of clientIds) kept.add(clientKey(clientId));
    const others = [...this.#queues.values()].filter((queue) => !kept.has(queue.key));
    await Promise.all(others.map((queue) => this.#clear(queue)));
  }

  async close(): Promise<void> {
    await this.#sweeper.stop();
    await this.#line.flush();
  }

  #of(clientId: string): ClientQueue | undefined {
    return this.#queues.get(clientKey(clientId));
  }

  #ofOrNew(clientId: string): ClientQueue {
    const key = clientKey(clientId);
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      const next = this.#sequencesFrom;
      const head = { count: 0, bytes: 0, first: next, next, notedUpTo: 0, sweepTo: 0 };
      queue = this.#newQueue(key, head);
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #newQueue(key: string, head: QueueHead): ClientQueue {
    const parts = { store: this.#store, totals: this.#totals, bodies: this.#bodies };
    return new ClientQueue(key, parts, head);
  }

  #entryOf(clientId: string, { sequence, value, queued }: FoundEntry): QueueEntry {
    if (queued !== undefined) return { sequence, queued, packetId: undefined };
    return decodeEntry(clientId, sequence, value, (reference) => this.#bodies.read(reference));
  }

  #clear(queue: ClientQueue): Promise<void> {
    queue.clear();
    this.#changed.add(queue);
    return this.#line.soon();
  }

  #removed(queue: ClientQueue, count: number): Promise<void> {
    this.#removedBehind += count;
    this.#changed.add(queue);
    return this.#removedBehind >= REMOVED_BEHIND_MAX ? this.#line.soon() : this.#line.behind();
  }

  /** All that has changed since the last write, as one transaction. */
  async #write(): Promise<void> {
    const queues = this.#changed;
    const swept = this.#swept;
    this.#changed = new Set();
    this.#swept = [];
    this.#removedBehind = 0;
    const changes: Change[] = swept.map((key) => [key, undefined]);
    for (const queue of queues) queue.takeChanges(changes);
    this.#bodies.takeChanges(changes);
    try {
      await this.#store.write(changes);
    } catch (error) {
      this.#swept.push(...swept);
      this.#bodies.notWritten();
      for (const queue of queues) {
        queue.notWritten();
        this.#changed.add(queue);
      }
      this.#events.failed(error);
      throw error;
    }
    this.#bodies.written();
    for (const queue of queues) this.#written(queue);
  }

  /** See {@link QueueSweeper}. An entry's removal, and its message's release, are one transaction. */
  async #sweep(queue: ClientQueue, to: Sequence): Promise<boolean> {
    let count = 0;
    let bytes = 0;
    for (const [key, value] of queue.cleared(to, SWEPT_AT_ONCE_MAX)) {
      const { body } = sizeOf(value);
      if (body !== undefined) this.#bodies.release(body);
      this.#swept.push(key);
      count += 1;
      bytes += value.length;
      if (bytes >= SWEPT_BYTES_MAX) break;
    }
    if (count > 0) await this.#line.soon();
    return count < SWEPT_AT_ONCE_MAX && bytes < SWEPT_BYTES_MAX;
  }

  #written(queue: ClientQueue): void {
    queue.written();
    // One that has changed again may have been cleared only now: its next head must be on disk first.
    if (this.#changed.has(queue)) return;
    if (queue.sweepTo > 0) this.#sweeper.add(queue);
    if (!queue.over) return;
    this.#queues.delete(queue.key);
    this.#sequencesFrom = Math.max(this.#sequencesFrom, queue.next);
  }
}

/** What has been sent already goes on to its end [MQTT-3.3.2-5]. */
function isExpired({ queued, packetId }: QueueEntry, nowMs: number): boolean {
  const expiresAtMs = queued?.message.expiresAtMs;
  return packetId === undefined && expiresAtMs !== undefined && expiresAtMs <= nowMs;
}
