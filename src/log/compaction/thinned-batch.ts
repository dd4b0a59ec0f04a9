/**
 * A stored batch with some of its records left out. What is left keeps its offset and its time: base
 * offset, last offset delta, base timestamp, producer and sequence stay, and each record's bytes are
 * copied as they are. Only count, max timestamp, length and CRC change. Pure.
 *
 * Source: Apache Kafka, `MemoryRecords.filterTo`.
 */
import { compress } from "../../wire/compression.ts";
import {
  assignOffset,
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseSequence,
  baseTimestampMs,
  type CompressionCodec,
  compressionCodec,
  isLogAppendTime,
  lastOffsetDelta,
  leaderEpoch,
  maxTimestampMs,
  producerEpoch,
  producerId,
  writeHeader,
} from "../../wire/record-batch.ts";
import { StoredRecords } from "../../wire/stored-records.ts";

/**
 * Undefined where no record is left. `keeps` is asked of each record in turn.
 * @throws BATCH_CORRUPT, BATCH_INVALID, COMPRESSION_UNSUPPORTED, DECOMPRESSED_TOO_LARGE
 */
export function thinnedBatch(
  stored: Buffer,
  keeps: (record: StoredRecords) => boolean,
): Buffer | undefined {
  const records = new StoredRecords(stored);
  const left = Buffer.allocUnsafeSlow(records.section.length);
  let bytes = 0;
  let recordCount = 0;
  let newestMs = Number.NEGATIVE_INFINITY;
  while (records.next()) {
    if (!keeps(records)) continue;
    bytes += records.section.copy(left, bytes, records.start, records.restEnd);
    newestMs = Math.max(newestMs, records.timestampMs);
    recordCount += 1;
  }
  if (recordCount === 0) return undefined;
  const section = compress(compressionCodec(stored) as CompressionCodec, left.subarray(0, bytes));
  const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + section.length);
  section.copy(batch, BATCH_HEADER_BYTES);
  writeHeader(batch, {
    attributes: attributes(stored),
    lastOffsetDelta: lastOffsetDelta(stored),
    baseTimestampMs: baseTimestampMs(stored),
    maxTimestampMs: isLogAppendTime(stored) ? maxTimestampMs(stored) : newestMs,
    producerId: producerId(stored),
    producerEpoch: producerEpoch(stored),
    baseSequence: baseSequence(stored),
    recordCount,
  });
  assignOffset(batch, baseOffset(stored), leaderEpoch(stored));
  return batch;
}
