/**
 * What is remembered of one idempotent producer in one partition, and its rules (KIP-98). Pure:
 * {@link ProducerRegistry} owns the instances, producer-record.ts their form on the disk.
 */
import { KafkaRefusal } from "./kafka-refusal.ts";

/** Kafka's number: what a producer may have in flight at a time. */
export const REMEMBERED_BATCHES = 5;

const SEQUENCE_MAX = 0x7fff_ffff;

export interface ProducerState {
  readonly epoch: number;
  readonly lastSeenMs: number;
  /** Oldest first, at most {@link REMEMBERED_BATCHES}. */
  readonly batches: readonly RememberedBatch[];
}

export interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Valid once the batch's offset has been assigned. */
  placed: { readonly baseOffset: number; readonly logAppendTimeMs: number };
  readonly flushed: Promise<void>;
}

/** `sequence` and so many further ones; after the largest comes 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % (SEQUENCE_MAX + 1);
}

export function lastSequenceOf(firstSequence: number, recordCount: number): number {
  return sequenceAfter(firstSequence, recordCount - 1);
}

/**
 * The batch that a retry repeats, or undefined where this one is new and may be appended.
 * @throws KafkaRefusal where it is out of turn
 */
export function duplicateOf(
  state: ProducerState | undefined,
  epoch: number,
  firstSequence: number,
  lastSequence: number,
): RememberedBatch | undefined {
  if (state === undefined) return undefined;
  if (epoch < state.epoch) {
    throw new KafkaRefusal(
      "INVALID_PRODUCER_EPOCH",
      `The producer's epoch ${epoch} is older than ${state.epoch}: another instance took over.`,
    );
  }
  if (epoch > state.epoch) {
    if (firstSequence !== 0) throw outOfOrder(firstSequence, 0);
    return undefined;
  }
  const same = state.batches.find(
    (batch) => batch.firstSequence === firstSequence && batch.lastSequence === lastSequence,
  );
  if (same !== undefined) return same;
  const last = state.batches.at(-1)?.lastSequence ?? SEQUENCE_MAX;
  const expected = sequenceAfter(last, 1);
  if (firstSequence !== expected) throw outOfOrder(firstSequence, expected);
  return undefined;
}

/** What a batch is refused with that is not the next one. */
export function outOfOrder(sequence: number, expected: number): KafkaRefusal {
  return new KafkaRefusal(
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    `Sequence ${sequence} came where ${expected} was expected.`,
  );
}
