/**
 * What is remembered of one idempotent producer in one partition, its rules (KIP-98), and its form
 * in the log's small state. Pure: {@link ProducerRegistry} owns the instances.
 *
 *     version int8 = 1 | epoch int16 | last seen int64 (ms since 1970)
 *     | (first sequence int32, last sequence int32, base offset int64, append time int64)*
 */
import { KafkaRefusal } from "./kafka-refusal.ts";

/** Kafka's number: what a producer may have in flight at a time. */
export const REMEMBERED_BATCHES = 5;

const FORMAT_VERSION = 1;
const HEADER_BYTES = 11;
const BATCH_BYTES = 24;
const SEQUENCE_MAX = 0x7fff_ffff;

export interface ProducerState {
  readonly epoch: number;
  readonly lastSeenMs: number;
  /** Oldest first, at most {@link REMEMBERED_BATCHES}, never empty. */
  readonly batches: readonly RememberedBatch[];
}

export interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Valid once the batch's offset has been assigned. */
  placed: { readonly baseOffset: number; readonly logAppendTimeMs: number };
  readonly flushed: Promise<void>;
}

export function lastSequenceOf(firstSequence: number, recordCount: number): number {
  const last = firstSequence + recordCount - 1;
  return last > SEQUENCE_MAX ? last - SEQUENCE_MAX - 1 : last;
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
  const expected = last === SEQUENCE_MAX ? 0 : last + 1;
  if (firstSequence !== expected) throw outOfOrder(firstSequence, expected);
  return undefined;
}

export function encodeProducerState(state: ProducerState): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + state.batches.length * BATCH_BYTES);
  bytes.writeInt8(FORMAT_VERSION, 0);
  bytes.writeInt16BE(state.epoch, 1);
  bytes.writeBigInt64BE(BigInt(state.lastSeenMs), 3);
  let at = HEADER_BYTES;
  for (const { firstSequence, lastSequence, placed } of state.batches) {
    bytes.writeInt32BE(firstSequence, at);
    bytes.writeInt32BE(lastSequence, at + 4);
    bytes.writeBigInt64BE(BigInt(placed.baseOffset), at + 8);
    bytes.writeBigInt64BE(BigInt(placed.logAppendTimeMs), at + 16);
    at += BATCH_BYTES;
  }
  return bytes;
}

/** The state in `value`, or undefined where it is of a format this version does not know. */
export function decodeProducerState(value: Uint8Array): ProducerState | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < HEADER_BYTES + BATCH_BYTES || bytes.readInt8(0) !== FORMAT_VERSION) {
    return undefined;
  }
  const batches: RememberedBatch[] = [];
  for (let at = HEADER_BYTES; at + BATCH_BYTES <= bytes.length; at += BATCH_BYTES) {
    batches.push({
      firstSequence: bytes.readInt32BE(at),
      lastSequence: bytes.readInt32BE(at + 4),
      placed: {
        baseOffset: Number(bytes.readBigInt64BE(at + 8)),
        logAppendTimeMs: Number(bytes.readBigInt64BE(at + 16)),
      },
      flushed: Promise.resolve(),
    });
  }
  return { epoch: bytes.readInt16BE(1), lastSeenMs: Number(bytes.readBigInt64BE(3)), batches };
}

function outOfOrder(sequence: number, expected: number): KafkaRefusal {
  return new KafkaRefusal(
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    `Sequence ${sequence} came where ${expected} was expected.`,
  );
}
