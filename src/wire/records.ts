/**
 * What is inside a batch: its records, decoded one at a time ({@link records}) or only checked
 * ({@link checkRecords}). Keys and values are views into the batch, or into its decompressed copy.
 * The record's layout is drawn in `batch-builder.ts`. Whatever does not add up is BATCH_INVALID.
 *
 * The batch itself (length, magic, CRC) has been checked before: see `batchDamage`.
 */
import { TributaryError } from "../base/errors.ts";
import { after, type Offset } from "../base/offset.ts";
import { decompress } from "./compression.ts";
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestampMs,
  type CompressionCodec,
  compressionCodec,
  isLogAppendTime,
  lastOffsetDelta,
  maxTimestampMs,
  recordCount,
} from "./record-batch.ts";
import { VarintCursor } from "./varint.ts";

/** What the records of one batch may take in memory, where the caller does not say. */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
/** The smallest record: length, attributes, two deltas, no key, no value, no headers. */
export const RECORD_BYTES_MIN = 7;

/** What compressed records may still come to; several batches may share it. */
export interface InflateBudget {
  bytesLeft: number;
}

export interface DecodedRecord {
  readonly offset: Offset;
  /** Milliseconds since 1970; -1 where the producer gave none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly DecodedHeader[];
}

export interface DecodedHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

const NO_HEADERS: readonly DecodedHeader[] = [];

/**
 * The records of a batch, in offset order. Offsets may have holes (compaction leaves them), but
 * only ever rise, and stay within the batch.
 * @throws BATCH_INVALID, BATCH_CORRUPT, COMPRESSION_UNSUPPORTED, DECOMPRESSED_TOO_LARGE
 */
export function* records(
  batch: Buffer,
  options: { readonly decompressedBytesMax?: number } = {},
): Generator<DecodedRecord, void, undefined> {
  const bytesLeft = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX;
  const cursor = openRecords(batch, openSection(batch, { bytesLeft }));
  // It lies outside the CRC, so that a damaged one is still possible here.
  if (!hasSafeBaseOffset(batch)) throw invalid("its base offset is no offset");
  const firstOffset = baseOffset(batch);
  const firstTimestampMs = baseTimestampMs(batch);
  const appendTimeMs = isLogAppendTime(batch) ? maxTimestampMs(batch) : undefined;
  const lastDelta = lastOffsetDelta(batch);
  const count = recordCount(batch);
  let previousDelta = -1;
  for (let index = 0; index < count; index++) {
    const end = openRecord(cursor);
    const timestampDelta = cursor.varlong();
    const offsetDelta = cursor.varint();
    if (offsetDelta <= previousDelta || offsetDelta > lastDelta) {
      throw invalid(`offset delta ${offsetDelta} does not follow ${previousDelta}`);
    }
    previousDelta = offsetDelta;
    const key = readBytes(cursor, end);
    const value = readBytes(cursor, end);
    const headers = readHeaders(cursor, end);
    closeRecord(cursor, end);
    yield {
      offset: after(firstOffset, offsetDelta),
      timestampMs: appendTimeMs ?? firstTimestampMs + timestampDelta,
      key,
      value,
      headers,
    };
  }
  closeRecords(cursor);
}

/**
 * Checks a producer's batch from end to end, without an object per record: offset deltas run 0, 1,
 * 2 up to the count, lengths add up, nothing is left over. Answers the largest timestamp in it (ms
 * since 1970): where the header says otherwise, Kafka's broker corrects the header, and so should
 * the caller (`correctMaxTimestamp`).
 * @throws BATCH_INVALID, BATCH_CORRUPT, COMPRESSION_UNSUPPORTED, DECOMPRESSED_TOO_LARGE
 */
export function checkRecords(
  batch: Buffer,
  inflating: InflateBudget = { bytesLeft: DECOMPRESSED_BYTES_MAX },
): number {
  return checkSection(batch, openSection(batch, inflating));
}

/** As {@link checkRecords}, where the records of `batch` are `bytes` once decompressed. */
export function checkSection(batch: Buffer, bytes: Buffer): number {
  const cursor = openRecords(batch, bytes);
  const count = recordCount(batch);
  checkLastDelta(batch);
  let maxTimestampDelta = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const end = openRecord(cursor);
    const timestampDelta = cursor.varlong();
    if (timestampDelta > maxTimestampDelta) maxTimestampDelta = timestampDelta;
    const offsetDelta = cursor.varint();
    if (offsetDelta !== index) throw invalid(`record ${index} has offset delta ${offsetDelta}`);
    skipBytes(cursor, end);
    skipBytes(cursor, end);
    const headerCount = readHeaderCount(cursor, end);
    for (let header = 0; header < headerCount; header++) {
      skipHeaderKey(cursor, end);
      skipBytes(cursor, end);
    }
    closeRecord(cursor, end);
  }
  closeRecords(cursor);
  return largestTimestampMs(batch, maxTimestampDelta);
}

/** Given the largest timestamp delta of its records. */
export function largestTimestampMs(batch: Buffer, maxTimestampDelta: number): number {
  return isLogAppendTime(batch)
    ? maxTimestampMs(batch)
    : baseTimestampMs(batch) + maxTimestampDelta;
}

/** How the records of `batch` are compressed. @throws COMPRESSION_UNSUPPORTED */
export function sectionCodec(batch: Buffer): CompressionCodec {
  const codec = compressionCodec(batch);
  if (codec !== undefined) return codec;
  throw new TributaryError(
    "COMPRESSION_UNSUPPORTED",
    `Compression ${attributes(batch) & 7} is unknown; use none, gzip, snappy, lz4 or zstd`,
  );
}

/** What must hold of a batch's header before its records are read. @throws BATCH_INVALID */
export function checkRecordsHeader(batch: Buffer): void {
  if (!isExact(baseTimestampMs(batch)) || !isExact(maxTimestampMs(batch))) {
    throw invalid("a timestamp of its header is beyond 53 bits");
  }
  const count = recordCount(batch);
  if (count < 1) throw invalid(`its record count is ${count}`);
}

/** The offsets of a producer's batch have no holes. @throws BATCH_INVALID */
export function checkLastDelta(batch: Buffer): void {
  const count = recordCount(batch);
  if (lastOffsetDelta(batch) !== count - 1) {
    throw invalid(`last offset delta ${lastOffsetDelta(batch)} does not fit ${count} records`);
  }
}

function openRecords(batch: Buffer, bytes: Buffer): VarintCursor {
  checkRecordsHeader(batch);
  const count = recordCount(batch);
  if (count * RECORD_BYTES_MIN > bytes.length) {
    throw invalid(`${count} records cannot stand in ${bytes.length} bytes`);
  }
  return new VarintCursor(bytes);
}

function openSection(batch: Buffer, inflating: InflateBudget): Buffer {
  const codec = sectionCodec(batch);
  const section = batch.subarray(BATCH_HEADER_BYTES);
  return codec === "none" ? section : inflate(codec, section, inflating);
}

function inflate(
  codec: Exclude<CompressionCodec, "none">,
  section: Buffer,
  inflating: InflateBudget,
): Buffer {
  const { bytesLeft } = inflating;
  // What comes to too much has cost as much as what just fits.
  inflating.bytesLeft = 0;
  const bytes = decompress(codec, section, bytesLeft);
  inflating.bytesLeft = bytesLeft - bytes.length;
  return bytes;
}

function hasSafeBaseOffset(batch: Buffer): boolean {
  const value = Number(batch.readBigInt64BE(0));
  return value >= 0 && Number.isSafeInteger(value + lastOffsetDelta(batch));
}

/** Whether arithmetic with `value` is exact, with room for one delta of the same size. */
function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER / 2;
}

function closeRecords(cursor: VarintCursor): void {
  const left = cursor.bytes.length - cursor.at;
  if (left > 0) throw invalid(`${left} bytes follow its last record`);
}

/** Reads a record's length and attributes; answers where the record ends. */
function openRecord(cursor: VarintCursor): number {
  const length = cursor.varint();
  const end = cursor.at + length;
  if (length < RECORD_BYTES_MIN - 1 || end > cursor.bytes.length) {
    throw invalid(`a record's length of ${length} bytes does not fit`);
  }
  // The attributes of a record: no bit of them has a meaning yet.
  cursor.at += 1;
  return end;
}

function closeRecord(cursor: VarintCursor, end: number): void {
  if (cursor.at !== end) throw invalid("a record's length does not match what is in it");
}

/** The length that stands next: -1 for null, and never beyond the record. */
function readLength(cursor: VarintCursor, end: number): number {
  const length = cursor.varint();
  if (length < -1 || cursor.at + length > end) {
    throw invalid(`a field's length of ${length} bytes does not fit`);
  }
  return length;
}

function skipBytes(cursor: VarintCursor, end: number): void {
  const length = readLength(cursor, end);
  if (length > 0) cursor.at += length;
}

function readBytes(cursor: VarintCursor, end: number): Buffer | null {
  const length = readLength(cursor, end);
  if (length < 0) return null;
  const start = cursor.at;
  cursor.at = start + length;
  return cursor.bytes.subarray(start, cursor.at);
}

function readHeaderCount(cursor: VarintCursor, end: number): number {
  const count = cursor.varint();
  // A header takes two bytes at least: its two lengths.
  if (count < 0 || count * 2 > end - cursor.at) throw invalid(`a header count of ${count}`);
  return count;
}

function skipHeaderKey(cursor: VarintCursor, end: number): void {
  const length = readLength(cursor, end);
  if (length < 0) throw invalid("a header without a key");
  cursor.at += length;
}

function readHeaders(cursor: VarintCursor, end: number): readonly DecodedHeader[] {
  const count = readHeaderCount(cursor, end);
  if (count === 0) return NO_HEADERS;
  const headers: DecodedHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readBytes(cursor, end);
    if (key === null) throw invalid("a header without a key");
    headers.push({ key: key.toString("utf8"), value: readBytes(cursor, end) });
  }
  return headers;
}

function invalid(reason: string): TributaryError {
  return new TributaryError("BATCH_INVALID", `The batch contradicts itself: ${reason}`);
}
