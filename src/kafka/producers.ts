/**
 * Idempotent producers: a batch that is sent twice is stored once (KIP-98). Owns what is remembered
 * of each producer in each partition, batches not yet flushed included.
 *
 * Each batch's state goes into the same group as the batch, so after any crash the log and what is
 * known about its producers agree. Bounded: beyond `producersMax` the longest silent one is
 * forgotten, and so is any that was silent for `producerExpiryMs`; a forgotten producer may begin
 * again with any sequence, as with Kafka.
 */
import type { Clock } from "../base/clock.ts";
import type { AppendGroup, Log, Partition } from "../log/contract.ts";
import { baseSequence, producerEpoch, producerId, recordCount } from "../wire/record-batch.ts";
import type { KafkaLimits } from "./limits.ts";
import {
  decodeProducerState,
  duplicateOf,
  encodeProducerState,
  lastSequenceOf,
  type ProducerState,
  REMEMBERED_BATCHES,
  type RememberedBatch,
} from "./producer-state.ts";

const STATE_PREFIX = "producer/";

/** Where a batch went; `placed` is valid once `flushed` has resolved. */
export type AppendedBatch = Pick<RememberedBatch, "placed" | "flushed">;

/** What is known of one that has written to a partition. */
export interface ActiveProducer {
  readonly id: bigint;
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastSeenMs: number;
}

export class ProducerRegistry {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limits: KafkaLimits;
  /** By state key, the longest silent first. */
  readonly #states = new Map<string, ProducerState>();

  constructor(log: Log, clock: Clock, limits: KafkaLimits) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    for (const [key, state] of storedStates(log)) this.#states.set(key, state);
  }

  /** How many pairs of producer and partition are remembered. */
  get size(): number {
    return this.#states.size;
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
    const known = this.#states.get(key);
    const epoch = producerEpoch(batch);
    const firstSequence = baseSequence(batch);
    const lastSequence = lastSequenceOf(firstSequence, recordCount(batch));
    const duplicate = duplicateOf(known, epoch, firstSequence, lastSequence);
    if (duplicate !== undefined) return duplicate;

    // The state is put first and decided last: where either is refused, neither has been changed.
    let state = known;
    group.putState(key, () => (state === undefined ? undefined : encodeProducerState(state)));
    const placed = group.addBatch(partition, batch);
    const appended: RememberedBatch = {
      firstSequence,
      lastSequence,
      placed,
      flushed: group.flushed,
    };
    const earlier = known !== undefined && known.epoch === epoch ? known.batches : [];
    state = {
      epoch,
      lastSeenMs: this.#clock.nowMs(),
      batches: [...earlier, appended].slice(-REMEMBERED_BATCHES),
    };
    this.#remember(key, state);
    this.#forgetSome(group);
    group.flushed.then(
      () => {
        // What the log answered holds on to the batch's bytes; only where it went is worth keeping.
        const { baseOffset, logAppendTimeMs } = placed;
        appended.placed = { baseOffset, logAppendTimeMs };
      },
      () => this.#restore(key),
    );
    return appended;
  }

  /** Those that are remembered of a partition, the longest silent first. */
  activeIn(partition: Partition): ActiveProducer[] {
    const prefix = `${STATE_PREFIX}${partition.id}/`;
    const active: ActiveProducer[] = [];
    for (const [key, { epoch, lastSeenMs, batches }] of this.#states) {
      if (!key.startsWith(prefix)) continue;
      const lastSequence = batches.at(-1)?.lastSequence ?? -1;
      active.push({ id: BigInt(key.slice(prefix.length)), epoch, lastSequence, lastSeenMs });
    }
    return active;
  }

  #remember(key: string, state: ProducerState): void {
    this.#states.delete(key);
    this.#states.set(key, state);
  }

  #forgetSome(group: AppendGroup): void {
    const silentSinceMs = this.#clock.nowMs() - this.#limits.producerExpiryMs;
    for (const [key, state] of this.#states) {
      const tooMany = this.#states.size > this.#limits.producersMax;
      if (!tooMany && state.lastSeenMs > silentSinceMs) return;
      this.#states.delete(key);
      group.putState(key, undefined);
    }
  }

  /** After a failed flush, what the disk knows is true again. */
  #restore(key: string): void {
    const value = this.#log.state.get(key);
    const state = value === undefined ? undefined : decodeProducerState(value);
    if (state === undefined) this.#states.delete(key);
    else this.#remember(key, state);
  }
}

/** What the log's state holds of producers, the longest silent first. */
function storedStates(log: Log): [key: string, state: ProducerState][] {
  const states: [string, ProducerState][] = [];
  for (const [key, value] of log.state.entries(STATE_PREFIX)) {
    const state = decodeProducerState(value);
    if (state !== undefined) states.push([key, state]);
  }
  return states.sort(([, a], [, b]) => a.lastSeenMs - b.lastSeenMs);
}
