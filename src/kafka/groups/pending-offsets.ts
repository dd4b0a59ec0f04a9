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
  /** How many producers have one pending, by that key. */
  readonly #places = new Map<string, number>();

  constructor(log: Log) {
    for (const [key, value] of log.state.entries(PREFIX)) {
      const producerEnd = key.indexOf("/", PREFIX.length);
      const place = parseOffsetKey(OFFSET_KEY_PREFIX + key.slice(producerEnd + 1));
      const producerId = Number(key.slice(PREFIX.length, producerEnd));
      this.keep(producerId, [{ place, record: decodeOffsetRecord(value) }]);
    }
  }

  get size(): number {
    let size = 0;
    for (const pending of this.#byProducer.values()) size += pending.size;
    return size;
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
    for (const pending of this.#byProducer.values()) {
      for (const { place } of pending.values()) if (place.group === group) return true;
    }
    return false;
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
      const key = offsetKey(one.place.group, one.place.topic, one.place.partition);
      if (!own.has(key)) this.#places.set(key, (this.#places.get(key) ?? 0) + 1);
      own.set(key, one);
    }
  }

  removeIn(append: AppendGroup, producerId: number): void {
    for (const { place } of this.of(producerId)) {
      append.putState(pendingKey(producerId, place), undefined);
    }
  }

  /** Call it when what {@link removeIn} removed is gone from the disk. */
  forget(producerId: number): void {
    for (const key of this.#byProducer.get(producerId)?.keys() ?? []) {
      const left = (this.#places.get(key) ?? 1) - 1;
      if (left === 0) this.#places.delete(key);
      else this.#places.set(key, left);
    }
    this.#byProducer.delete(producerId);
  }
}

function pendingKey(producerId: number, { group, topic, partition }: OffsetPlace): string {
  return `${PREFIX}${producerId}/${group}/${topic}/${partition}`;
}
