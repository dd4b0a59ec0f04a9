/** Batches of records with keys, in any compression, as Kafka's producers send them. */
import { BatchBuilder } from "../../src/wire/batch-builder.ts";
import { compress } from "../../src/wire/compression.ts";
import {
  BATCH_HEADER_BYTES,
  baseTimestampMs,
  COMPRESSION_CODECS,
  type CompressionCodec,
  lastOffsetDelta,
  maxTimestampMs,
  NO_PRODUCER_ID,
  recordCount,
  TRANSACTIONAL_BIT,
  writeHeader,
} from "../../src/wire/record-batch.ts";

export interface KeyedBatch {
  readonly records: readonly (readonly [key: string | null, value: string | null])[];
  /** None by default. */
  readonly codec?: CompressionCodec;
  readonly timestampMs?: number;
  /** It is a part of this producer's transaction. */
  readonly producerId?: bigint;
}

/** A finished batch as a Kafka producer sends it. */
export function keyedBatch(options: KeyedBatch): Buffer {
  const { records, codec = "none", timestampMs = 1_700_000_000_000, producerId } = options;
  const builder = new BatchBuilder();
  for (const [key, value] of records) builder.add(timestampMs, bytes(key), bytes(value));
  const plain = builder.finish();
  const section = compress(codec, plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), section]);
  const isTransactional = producerId !== undefined;
  writeHeader(batch, {
    attributes: COMPRESSION_CODECS.indexOf(codec) | (isTransactional ? TRANSACTIONAL_BIT : 0),
    lastOffsetDelta: lastOffsetDelta(plain),
    baseTimestampMs: baseTimestampMs(plain),
    maxTimestampMs: maxTimestampMs(plain),
    producerId: producerId ?? NO_PRODUCER_ID,
    producerEpoch: isTransactional ? 0 : -1,
    baseSequence: isTransactional ? 0 : -1,
    recordCount: recordCount(plain),
  });
  return batch;
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}
