/**
 * The control batch: one record that ends a transaction of a producer in a partition (a marker). It
 * takes an offset like any record, and no consumer is shown it.
 *
 *     attributes 0x30 (transactional, control), base sequence -1, one record:
 *     key   int16 version 0 | int16 type: 0 abort, 1 commit
 *     value int16 version 0 | int32 coordinator epoch
 *
 * Source: Apache Kafka, "Control Records" (KIP-98), `EndTransactionMarker`.
 */
import { BatchBuilder } from "./batch-builder.ts";
import { CONTROL_BIT, isControl, TRANSACTIONAL_BIT, writeHeader } from "./record-batch.ts";
import { records } from "./records.ts";

export type MarkerKind = "abort" | "commit";

export interface TransactionMarker {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly kind: MarkerKind;
  readonly coordinatorEpoch: number;
}

const KINDS: readonly MarkerKind[] = ["abort", "commit"];
const KEY_BYTES = 4;
const VALUE_BYTES = 6;

/** The finished batch with base offset 0; `timestampMs` is this gateway's clock. */
export function controlBatch(marker: TransactionMarker, timestampMs: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(KINDS.indexOf(marker.kind), 2);
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeInt32BE(marker.coordinatorEpoch, 2);
  const builder = new BatchBuilder(Buffer.alloc(128));
  builder.add(timestampMs, key, value);
  const batch = builder.finish();
  writeHeader(batch, {
    attributes: TRANSACTIONAL_BIT | CONTROL_BIT,
    lastOffsetDelta: 0,
    baseTimestampMs: timestampMs,
    maxTimestampMs: timestampMs,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    baseSequence: -1,
    recordCount: 1,
  });
  return batch;
}

/** What a control batch says; undefined for another batch, or a control record of another kind. */
export function markerKind(batch: Buffer): MarkerKind | undefined {
  if (!isControl(batch)) return undefined;
  for (const { key } of records(batch)) {
    return key === null || key.length < KEY_BYTES ? undefined : KINDS[key.readInt16BE(2)];
  }
  return undefined;
}
