import { BatchBuilder } from "../../src/wire/batch-builder.ts";
import {
  baseTimestampMs,
  lastOffsetDelta,
  maxTimestampMs,
  recordCount,
  TRANSACTIONAL_BIT,
  writeHeader,
} from "../../src/wire/record-batch.ts";

/** A finished batch of `values`, one record each, keys null, a millisecond apart from `timeMs` on. */
export function batchOf(values: readonly string[], timeMs = 1_700_000_000_000): Buffer {
  const builder = new BatchBuilder();
  values.forEach((value, index) => {
    builder.add(timeMs + index, null, Buffer.from(value));
  });
  return builder.finish();
}

/** The same as a part of the transaction of producer `producerId`. */
export function transactionalBatch(
  producerId: bigint,
  values: readonly string[],
  producerEpoch = 0,
  baseSequence = 0,
): Buffer {
  const batch = batchOf(values);
  writeHeader(batch, {
    attributes: TRANSACTIONAL_BIT,
    lastOffsetDelta: lastOffsetDelta(batch),
    baseTimestampMs: baseTimestampMs(batch),
    maxTimestampMs: maxTimestampMs(batch),
    producerId,
    producerEpoch,
    baseSequence,
    recordCount: recordCount(batch),
  });
  return batch;
}
