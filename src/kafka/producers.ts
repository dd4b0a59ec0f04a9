/**
 * Idempotent producers: a batch that is sent twice is stored once (KIP-98). Owns what is remembered
 * of each producer in each partition while it is not on disk; what is stands in the log's small state,
 * a few dozen bytes each.
 *
 * Each batch's state goes into the same group as the batch, so after any crash the log and what is
 * known about its producers agree.
 *
 * Bounded in number and bytes. Forgotten are those silent for `producerExpiryMs`, who may begin again
 * with any sequence, as with Kafka. Silence counts while the gateway runs, anew from each start, and by
 * the monotonic clock: a wall clock that jumps makes nobody silent. Where there are too many, those in
 * partitions that are gone go next; and where that is not enough, the longest silent. For as long as
 * one of these could come back, whoever is not known and does not begin at sequence 0 is told
 * UNKNOWN_PRODUCER_ID: its client takes a new id or epoch, and knows that it did. So nobody loses its
 * idempotence and goes on as if it had it. And whose first batch was refused may begin with that one
 * alone for some minutes (refused-beginnings.ts): what it sent behind it must not overtake it.
 */
import type { Clock } from "../base/clock.ts";
import type { AppendGroup, Log, Partition } from "../log/contract.ts";
import { baseSequence, producerEpoch, producerId, recordCount } from "../wire/record-batch.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";
import type { KafkaLimits } from "./limits.ts";
import { decodeProducerState, encodeProducerState } from "./producer-record.ts";
import {
  duplicateOf,
  lastSequenceOf,
  outOfOrder,
  type ProducerState,
  REMEMBERED_BATCHES,
  type RememberedBatch,
} from "./producer-state.ts";
import { RefusedBeginnings } from "./refused-beginnings.ts";

const STATE_PREFIX = "producer/";
/**
 * When a producer was forgotten last that had not been silent for long: int64, ms since 1970. There
 * for as long as such a one could come back.
 */
const EVICTED_KEY = "producer-evicted/last";
/** What a record is taken for until it has been written, which is within the turn or two. */
const NEW_RECORD_BYTES = 50;
/** A commit's work is bounded: the rest has its turn with the next batch. */
const FORGOTTEN_AT_ONCE_MAX = 1_000;
/**
 * So often is it asked who has been silent for hours. The map has its front full of entries that moved
 * to its end, so that to find its first one is dear.
 */
const LOOK_MS = 1_000;

/** Where a batch went; `placed` is valid once `flushed` has resolved. */
export type AppendedBatch = Pick<RememberedBatch, "placed" | "flushed">;

/** What is known of one that has written to a partition. */
export interface ActiveProducer {
  readonly id: bigint;
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastSeenMs: number;
}

/** One producer in one partition. */
interface Known {
  /** Monotonic, in milliseconds; at the start at the earliest. */
  heardAtMs: number;
  /** Of its key and its record. */
  bytes: number;
  /** As its last batch leaves it, until that is on disk. */
  pending: ProducerState | undefined;
}

export class ProducerRegistry {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limits: KafkaLimits;
  /** By state key, the longest silent first. */
  readonly #known = new Map<string, Known>();
  readonly #refused: RefusedBeginnings;
  #bytes = 0;
  /** Topics have been deleted since those in them were last looked for. */
  #someAreGone = true;
  /** Monotonic, in milliseconds; at the start at the earliest. */
  #evictedAtMs: number;
  /** Monotonic, in milliseconds. */
  #lookAtMs = Number.NEGATIVE_INFINITY;
  /** Forgotten before their time, since the start. */
  evictions = 0;

  constructor(log: Log, clock: Clock, limits: KafkaLimits) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    this.#refused = new RefusedBeginnings(clock);
    const startedAtMs = clock.monotonicMs();
    for (const [key, bytes] of storedProducers(log)) {
      this.#remember(key, { heardAtMs: startedAtMs, bytes, pending: undefined });
    }
    const hasEvicted = log.state.get(EVICTED_KEY) !== undefined;
    this.#evictedAtMs = hasEvicted ? startedAtMs : Number.NEGATIVE_INFINITY;
    log.onTopics(({ kind }) => {
      if (kind === "deleted") this.#someAreGone = true;
    });
  }

  /** How many pairs of producer and partition are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** What they take of the log's small state. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends a checked batch, once. Synchronous, so that batches keep the order they came in.
   * @throws KafkaRefusal where its sequence or epoch is out of turn; what `addBatch` throws
   */
  append(partition: Partition, batch: Buffer): AppendedBatch {
    const id = producerId(batch);
    const group = this.#log.group();
    if (id < 0n) {
      return { placed: group.addBatch(partition, batch), flushed: group.flushed };
    }
    const key = `${STATE_PREFIX}${partition.id}/${id}`;
    const before = this.#stateOf(key);
    const epoch = producerEpoch(batch);
    const firstSequence = baseSequence(batch);
    const lastSequence = lastSequenceOf(firstSequence, recordCount(batch));
    if (before === undefined) this.#checkBeginning(key, firstSequence);
    const duplicate = duplicateOf(before, epoch, firstSequence, lastSequence);
    if (duplicate !== undefined) return duplicate;

    // The state is put first and decided last: where either is refused, neither has been changed.
    let state = before;
    let placed: RememberedBatch["placed"];
    try {
      group.putState(key, () => {
        if (state === undefined) return undefined;
        const record = encodeProducerState(state);
        this.#resize(key, key.length + record.length);
        return record;
      });
      placed = group.addBatch(partition, batch);
    } catch (error) {
      if (before === undefined) this.#refused.note(key, firstSequence);
      throw error;
    }
    this.#refused.forget(key);
    const { flushed } = group;
    const appended: RememberedBatch = { firstSequence, lastSequence, placed, flushed };
    const earlier = before !== undefined && before.epoch === epoch ? before.batches : [];
    const lastSeenMs = this.#clock.nowMs();
    state = { epoch, lastSeenMs, batches: [...earlier, appended].slice(-REMEMBERED_BATCHES) };
    const known: Known = {
      heardAtMs: this.#clock.monotonicMs(),
      bytes: this.#known.get(key)?.bytes ?? key.length + NEW_RECORD_BYTES,
      pending: state,
    };
    this.#remember(key, known);
    this.#forgetSome(group, key);
    flushed.then(
      () => {
        // What the log answered holds on to the batch's bytes, and the disk knows the rest by now.
        if (known.pending === state) known.pending = undefined;
        const { baseOffset, logAppendTimeMs } = placed;
        appended.placed = { baseOffset, logAppendTimeMs };
      },
      () => {
        this.#restore(key);
        if (before === undefined && !this.#known.has(key)) this.#refused.note(key, firstSequence);
      },
    );
    return appended;
  }

  /** Those that are remembered of some partitions, of each the longest silent first. */
  activeIn(partitions: ReadonlySet<Partition>): ReadonlyMap<Partition, readonly ActiveProducer[]> {
    const byId = new Map([...partitions].map((partition) => [`${partition.id}`, partition]));
    const active = new Map<Partition, ActiveProducer[]>();
    for (const key of this.#known.keys()) {
      const partition = byId.get(partitionIn(key));
      const state = partition === undefined ? undefined : this.#stateOf(key);
      if (partition === undefined || state === undefined) continue;
      const { epoch, lastSeenMs, batches } = state;
      const lastSequence = batches.at(-1)?.lastSequence ?? -1;
      const id = BigInt(key.slice(key.lastIndexOf("/") + 1));
      const of = active.get(partition) ?? [];
      active.set(partition, of);
      of.push({ id, epoch, lastSequence, lastSeenMs });
    }
    return active;
  }

  #stateOf(key: string): ProducerState | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    if (known.pending !== undefined) return known.pending;
    const record = this.#log.state.get(key);
    return record === undefined ? undefined : decodeProducerState(record);
  }

  /** @throws KafkaRefusal where an unknown producer may not begin with that sequence */
  #checkBeginning(key: string, firstSequence: number): void {
    if (firstSequence === 0) return;
    const refused = this.#refused.sequenceOf(key);
    if (refused !== undefined && refused !== firstSequence) {
      throw outOfOrder(firstSequence, refused);
    }
    if (!this.#evictedOfLate) return;
    throw new KafkaRefusal(
      "UNKNOWN_PRODUCER_ID",
      "The gateway had to forget producers, this one perhaps: it must begin again at sequence 0.",
    );
  }

  #remember(key: string, known: Known): void {
    this.#bytes += known.bytes - (this.#known.get(key)?.bytes ?? 0);
    this.#known.delete(key);
    this.#known.set(key, known);
  }

  #resize(key: string, bytes: number): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#bytes += bytes - known.bytes;
    known.bytes = bytes;
  }

  /** Without a trace in memory, and in the group's commit on the disk. */
  #forget(key: string, group: AppendGroup): void {
    this.#bytes -= this.#known.get(key)?.bytes ?? 0;
    this.#known.delete(key);
    group.putState(key, undefined);
  }

  #forgetSome(group: AppendGroup, appendedTo: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#lookAtMs && !this.#tooMany) return;
    const silentSinceMs = nowMs - this.#limits.producerExpiryMs;
    let forgotten = 0;
    for (const [key, { heardAtMs }] of this.#known) {
      if (heardAtMs > silentSinceMs || forgotten >= FORGOTTEN_AT_ONCE_MAX) break;
      this.#forget(key, group);
      forgotten += 1;
    }
    if (forgotten < FORGOTTEN_AT_ONCE_MAX) this.#lookAtMs = nowMs + LOOK_MS;
    if (!this.#evictedOfLate && this.#log.state.get(EVICTED_KEY) !== undefined) {
      group.putState(EVICTED_KEY, undefined);
    }
    if (this.#tooMany && this.#someAreGone) this.#forgetThoseInDeletedTopics(group);
    for (const key of this.#known.keys()) {
      if (!this.#tooMany || key === appendedTo || forgotten >= FORGOTTEN_AT_ONCE_MAX) return;
      this.#forget(key, group);
      this.#noteEviction(group, key);
      forgotten += 1;
    }
  }

  get #tooMany(): boolean {
    const { producersMax, producerBytesMax } = this.#limits;
    return this.#known.size > producersMax || this.#bytes > producerBytesMax;
  }

  #forgetThoseInDeletedTopics(group: AppendGroup): void {
    const there = new Set<string>();
    for (const { partitions } of this.#log.topics()) {
      for (const { id } of partitions) there.add(`${id}`);
    }
    this.#someAreGone = false;
    let forgotten = 0;
    for (const key of this.#known.keys()) {
      if (there.has(partitionIn(key))) continue;
      if (forgotten >= FORGOTTEN_AT_ONCE_MAX) {
        this.#someAreGone = true;
        return;
      }
      this.#forget(key, group);
      forgotten += 1;
    }
  }

  /** Whether one of those that had to be forgotten could still come back. */
  get #evictedOfLate(): boolean {
    return this.#clock.monotonicMs() - this.#evictedAtMs <= this.#limits.producerExpiryMs;
  }

  /** In the place of who was forgotten, so that it is written also where the small state is full. */
  #noteEviction(group: AppendGroup, forgotten: string): void {
    this.evictions += 1;
    this.#evictedAtMs = this.#clock.monotonicMs();
    const value = Buffer.allocUnsafe(8);
    value.writeBigInt64BE(BigInt(this.#clock.nowMs()));
    group.moveState(forgotten, EVICTED_KEY, value);
  }

  /** After a failed flush, what the disk knows is true again. */
  #restore(key: string): void {
    const record = this.#log.state.get(key);
    if (record === undefined || decodeProducerState(record) === undefined) {
      this.#bytes -= this.#known.get(key)?.bytes ?? 0;
      this.#known.delete(key);
      return;
    }
    const heardAtMs = this.#clock.monotonicMs();
    this.#remember(key, { heardAtMs, bytes: key.length + record.length, pending: undefined });
  }
}

function partitionIn(key: string): string {
  return key.slice(STATE_PREFIX.length, key.indexOf("/", STATE_PREFIX.length));
}

/** What the log's state holds of producers and takes for each, the longest silent first. */
function storedProducers(log: Log): [key: string, bytes: number][] {
  const producers: [key: string, bytes: number, lastSeenMs: number][] = [];
  for (const [key, record] of log.state.entries(STATE_PREFIX)) {
    const lastSeenMs = decodeProducerState(record)?.lastSeenMs;
    if (lastSeenMs === undefined) continue;
    producers.push([key, key.length + record.length, lastSeenMs]);
  }
  producers.sort(([, , a], [, , b]) => a - b);
  return producers.map(([key, bytes]) => [key, bytes]);
}
