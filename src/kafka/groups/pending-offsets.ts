/**
 * Offsets that producers commit with their transactions and that count only once these are
 * committed. Owner of the small state under `txn-offset/<producer id>/<group>/<topic>/<partition>`,
 * whose values are those of committed offsets, and of an index of it in memory, which holds what is
 * flushed.
 *
 * Source: KIP-98; KIP-447 for who asks whether any are pending.
 */
import type { AppendGroup, Log } from "../../log/contract.ts";
import {
  decodeOffsetRecord,
  encodeOffsetRecord,
  OFFSET_KEY_PREFIX,
  type OffsetPlace,
  type OffsetRecord,
  offsetKey,
  parseOffsetKey,
} from "./offset-record.ts";

export interface PendingOffset {
  readonly place: OffsetPlace;
  readonly record: OffsetRecord;
}

const PREFIX = "txn-offset/";

export class PendingOffsets {
  /** By producer, and by the key that the offset will have. */
  readonly #byProducer = new Map<number, Map<string, PendingOffset>>();
  /** How many producers have one pending, by that key... */
  readonly #places = new Map<string, number>();
  /** ...and how many are pending in a group. */
  readonly #groups = new Map<string, number>();
  #size = 0;

  constructor(log: Log) {
    for (const [key, value] of log.state.entries(PREFIX)) {
      const producerEnd = key.indexOf("/", PREFIX.length);
      const place = parseOffsetKey(OFFSET_KEY_PREFIX + key.slice(producerEnd + 1));
      const producerId = Number(key.slice(PREFIX.length, producerEnd));
      this.keep(producerId, [{ place, record: decodeOffsetRecord(value) }]);
    }
  }

  /** Of all producers together: each has a record of its own. */
  get size(): number {
    return this.#size;
  }

  /** The groups that have any. */
  groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  /** The producers that have any. */
  producers(): readonly number[] {
    return [...this.#byProducer.keys()];
  }

  of(producerId: number): readonly PendingOffset[] {
    return [...(this.#byProducer.get(producerId)?.values() ?? [])];
  }

  /** Whether an open transaction may be about to change what the group has committed there. */
  isPending({ group, topic, partition }: OffsetPlace): boolean {
    return this.#places.has(offsetKey(group, topic, partition));
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Whether the producer has one pending there. */
  has(producerId: number, { group, topic, partition }: OffsetPlace): boolean {
    return this.#byProducer.get(producerId)?.has(offsetKey(group, topic, partition)) === true;
  }

  /** @throws STATE_TOO_LARGE */
  putIn(append: AppendGroup, producerId: number, { place, record }: PendingOffset): void {
    append.putState(pendingKey(producerId, place), encodeOffsetRecord(record));
  }

  /** Call it when what {@link putIn} put is on disk. */
  keep(producerId: number, pending: readonly PendingOffset[]): void {
    const own = this.#byProducer.get(producerId) ?? new Map<string, PendingOffset>();
    this.#byProducer.set(producerId, own);
    for (const one of pending) {
      const { group, topic, partition } = one.place;
      const key = offsetKey(group, topic, partition);
      if (!own.has(key)) this.#count(key, group, 1);
      own.set(key, one);
    }
  }

  /** Applies them: they are the groups' offsets from then on, which takes no more room. */
  moveIn(append: AppendGroup, producerId: number, { place, record }: PendingOffset): void {
    const { group, topic, partition } = place;
    const to = offsetKey(group, topic, partition);
    append.moveState(pendingKey(producerId, place), to, encodeOffsetRecord(record));
  }

  removeIn(append: AppendGroup, producerId: number): void {
    for (const { place } of this.of(producerId)) {
      append.putState(pendingKey(producerId, place), undefined);
    }
  }

  /** Call it when they are gone from the disk. */
  forget(producerId: number): void {
    for (const [key, { place }] of this.#byProducer.get(producerId) ?? []) {
      this.#count(key, place.group, -1);
    }
    this.#byProducer.delete(producerId);
  }

  #count(key: string, group: string, change: number): void {
    this.#size += change;
    for (const [counts, name] of [[this.#places, key] as const, [this.#groups, group] as const]) {
      const count = (counts.get(name) ?? 0) + change;
      if (count === 0) counts.delete(name);
      else counts.set(name, count);
    }
  }
}

function pendingKey(producerId: number, { group, topic, partition }: OffsetPlace): string {
  return `${PREFIX}${producerId}/${group}/${topic}/${partition}`;
}
