/**
 * A batch on its way upstream, being filled with records copied from stored batches. Only what
 * depends on the batch around it is written again: offset delta and timestamp delta. Key, value and
 * headers are copied as they stand. Owner of its buffer until {@link finish}.
 *
 * The record's layout is drawn in `../wire/batch-builder.ts`.
 */
import { assert } from "../base/errors.ts";
import { compress } from "../wire/compression.ts";
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseTimestampMs,
  COMPRESSION_CODECS,
  type CompressionCodec,
  compressionCodec,
  lastOffsetDelta,
  maxTimestampMs,
  recordCount,
  writeHeader,
} from "../wire/record-batch.ts";
import type { StoredRecord } from "../wire/stored-records.ts";
import { varintBytes, writeVarint } from "../wire/varint.ts";
import type { ProducerIdentity } from "./sink.ts";

const INITIAL_BYTES = 16 * 1024;
const CODEC_BITS = 7;

export class OutgoingBatch {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;

  get recordCount(): number {
    return this.#count;
  }

  /** Uncompressed, header included. */
  get sizeBytes(): number {
    return this.#length;
  }

  add(record: StoredRecord): void {
    const { timestampMs } = record;
    if (this.#count === 0) this.#baseTimestampMs = timestampMs;
    if (this.#count === 0 || timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    const timestampDelta = timestampMs - this.#baseTimestampMs;
    const restBytes = record.restEnd - record.restStart;
    const bodyBytes = 1 + varintBytes(timestampDelta) + varintBytes(this.#count) + restBytes;
    this.#reserve(bodyBytes + 5);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, bodyBytes, this.#length);
    bytes[at++] = record.attributes;
    at = writeVarint(bytes, timestampDelta, at);
    at = writeVarint(bytes, this.#count, at);
    record.section.copy(bytes, at, record.restStart, record.restEnd);
    this.#length = at + restBytes;
    this.#count += 1;
  }

  /** The whole batch, compressed with `codec`, as `producer`'s from `baseSequence` on. */
  finish(codec: CompressionCodec, producer: ProducerIdentity, baseSequence: number): Buffer {
    assert(this.#count > 0, "a batch holds at least one record");
    const batch = this.#compressed(codec);
    writeHeader(batch, {
      attributes: COMPRESSION_CODECS.indexOf(codec),
      lastOffsetDelta: this.#count - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence,
      recordCount: this.#count,
    });
    return batch;
  }

  #compressed(codec: CompressionCodec): Buffer {
    if (codec === "none") return this.#bytes.subarray(0, this.#length);
    const section = compress(codec, this.#bytes.subarray(BATCH_HEADER_BYTES, this.#length));
    const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + section.length);
    section.copy(batch, BATCH_HEADER_BYTES);
    return batch;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/**
 * A stored batch whose records go upstream as they are: a copy of it, as `producer`'s from
 * `baseSequence` on. Of the attributes only the codec is kept: this producer opens no transaction.
 */
export function copyForProducer(
  stored: Buffer,
  producer: ProducerIdentity,
  baseSequence: number,
): Buffer {
  assert(compressionCodec(stored) !== undefined, "a stored batch has a known compression");
  const batch = Buffer.allocUnsafeSlow(stored.length);
  stored.copy(batch);
  writeHeader(batch, {
    attributes: attributes(stored) & CODEC_BITS,
    lastOffsetDelta: lastOffsetDelta(stored),
    baseTimestampMs: baseTimestampMs(stored),
    maxTimestampMs: maxTimestampMs(stored),
    producerId: producer.id,
    producerEpoch: producer.epoch,
    baseSequence,
    recordCount: recordCount(stored),
  });
  return batch;
}
