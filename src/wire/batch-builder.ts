/**
 * An open record batch: records are written straight into its buffer, one after another, with no
 * object for each. {@link finish} fills in the header and hands the bytes over. Owner of its buffer
 * until then.
 *
 * A record (KIP-98), all integers zigzag varints:
 *
 *     length | attributes int8 | timestamp delta | offset delta
 *     | key length, key | value length, value | header count, (key length, key, value length, value)*
 *
 * A null key or value has length -1.
 */
import { assert } from "../base/errors.ts";
import { copySlice, copyWords, OVERRUN_BYTES_MAX, viewOf, viewOfMemory } from "./copy-slice.ts";
import { BATCH_HEADER_BYTES, NO_PRODUCER_ID, writeHeader } from "./record-batch.ts";
import type { Slices } from "./slices.ts";
import { VarintCursor, varintBytes, writeVarint } from "./varint.ts";

export interface RecordHeader {
  /** UTF-8 bytes of the header's name. */
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Record headers already in wire form (count and entries), for callers that repeat the same ones. */
export type EncodedHeaders = Uint8Array & { readonly __encodedHeaders: unique symbol };

const NO_HEADERS = encodeHeaders([]);
const INITIAL_BYTES = 4096;
/** Of a record's length. */
const VARINT_BYTES_MAX = 5;
/** Longer ones are rather copied by a call. */
const COMMON_WORDS_BYTES_MAX = 128;

export class BatchBuilder {
  #buffer: Buffer;
  /** Of its bytes. */
  #view: DataView;
  #length = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  readonly #like = new Likeness();

  /** `buffer`: where it begins to write; larger ones are made as they are needed. */
  constructor(buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)) {
    assert(buffer.length >= BATCH_HEADER_BYTES, "a batch's buffer holds its header at least");
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }

  get recordCount(): number {
    return this.#count;
  }

  /** Bytes of the batch so far, header included. */
  get sizeBytes(): number {
    return this.#length;
  }

  /** Adds one record; `timestampMs` is milliseconds since 1970. The bytes are copied. */
  add(
    timestampMs: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: EncodedHeaders = NO_HEADERS,
  ): void {
    const valueLength = value === null ? -1 : value.length;
    const like = this.#like;
    like.become(key, valueLength, headers);
    const timestampDelta = this.#noteTime(timestampMs);
    const bodyBytes = like.bytes + varintBytes(timestampDelta) + varintBytes(this.#count);
    const needed = this.#length + bodyBytes + VARINT_BYTES_MAX + OVERRUN_BYTES_MAX;
    if (needed > this.#buffer.length) this.#grow(this.#length, needed);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, bodyBytes, this.#length);
    buffer[at++] = 0;
    at = writeVarint(buffer, timestampDelta, at);
    at = writeVarint(buffer, this.#count, at);
    at = like.write(buffer, this.#view, at);
    if (value !== null) {
      buffer.set(value, at);
      at += value.length;
    }
    this.#length = writeHeaders(buffer, headers, at);
    this.#count += 1;
  }

  /**
   * Adds a record for each slice of `source` from the `first` up to the `last`, without it: no view is
   * made of their values. The same `key` object must hold the same bytes each time, and `headers`, too.
   */
  addSlices(
    timestampMs: number,
    key: Uint8Array | null,
    source: Buffer,
    slices: Slices,
    first: number,
    last: number,
    headers: EncodedHeaders = NO_HEADERS,
  ): void {
    if (first >= last) return;
    const like = this.#like;
    const timestampDelta = this.#noteTime(timestampMs);
    const timestampBytes = varintBytes(timestampDelta);
    const memory = viewOfMemory(source);
    let buffer = this.#buffer;
    let view = this.#view;
    let at = this.#length;
    let count = this.#count;
    // Kept at hand, and not in the builder: this loop is where a flood of messages passes.
    for (let nth = first; nth < last; nth += 1) {
      const from = slices.from[nth] as number;
      const to = slices.to[nth] as number;
      if (!like.fits(key, to - from, headers)) like.become(key, to - from, headers);
      const bodyBytes = like.bytes + timestampBytes + varintBytes(count);
      const needed = at + bodyBytes + VARINT_BYTES_MAX + OVERRUN_BYTES_MAX;
      if (needed > buffer.length) {
        this.#grow(at, needed);
        buffer = this.#buffer;
        view = this.#view;
      }
      at = writeVarint(buffer, bodyBytes, at);
      buffer[at++] = 0;
      at = writeVarint(buffer, timestampDelta, at);
      at = writeVarint(buffer, count, at);
      at = like.write(buffer, view, at);
      copySlice(source, memory, from, to, buffer, view, at);
      at = writeHeaders(buffer, headers, at + to - from);
      count += 1;
    }
    this.#length = at;
    this.#count = count;
  }

  /** Of one more record, or of several; answers how far it is from the first one's. */
  #noteTime(timestampMs: number): number {
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    } else if (timestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = timestampMs;
    }
    return timestampMs - this.#baseTimestampMs;
  }

  /** The finished batch, uncompressed, with base offset 0. The builder must not be used again. */
  finish(): Buffer {
    assert(this.#count > 0, "a batch holds at least one record");
    const batch = this.#buffer.subarray(0, this.#length);
    writeHeader(batch, {
      attributes: 0,
      lastOffsetDelta: this.#count - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      producerId: NO_PRODUCER_ID,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: this.#count,
    });
    return batch;
  }

  /** Makes room up to `needed`; what is written so far ends at `length`. */
  #grow(length: number, needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, length);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

/** Answers where they end. */
function writeHeaders(buffer: Buffer, headers: EncodedHeaders, at: number): number {
  // None is the rule, and one byte: not worth a call.
  if (headers.length === 1) buffer[at] = headers[0] as number;
  else buffer.set(headers, at);
  return at + headers.length;
}

/**
 * What records of one device have in common: key, length of the value, and headers. The bytes from
 * the key's length to the value's are then the same as in the record before, and copied from there.
 */
class Likeness {
  #key: Uint8Array | null = null;
  #valueLength = -1;
  #headers: EncodedHeaders | undefined;
  /** Of the record, without its length and its deltas. */
  bytes = 0;
  /** Where the common bytes stand in the buffer; 0: nowhere yet. */
  #at = 0;
  #commonBytes = 0;

  fits(key: Uint8Array | null, valueLength: number, headers: EncodedHeaders): boolean {
    return this.#key === key && this.#valueLength === valueLength && this.#headers === headers;
  }

  become(key: Uint8Array | null, valueLength: number, headers: EncodedHeaders): void {
    this.#key = key;
    this.#valueLength = valueLength;
    this.#headers = headers;
    this.#at = 0;
    const keyLength = key === null ? -1 : key.length;
    this.#commonBytes = varintBytes(keyLength) + Math.max(keyLength, 0) + varintBytes(valueLength);
    this.bytes = 1 + this.#commonBytes + Math.max(valueLength, 0) + headers.length;
  }

  /** Writes the common bytes at `at`; answers where the value begins. */
  write(buffer: Buffer, view: DataView, at: number): number {
    const from = this.#at;
    const end = at + this.#commonBytes;
    this.#at = at;
    if (from > 0 && this.#commonBytes <= COMMON_WORDS_BYTES_MAX) {
      copyWords(view, from, from + this.#commonBytes, view, at);
      return end;
    }
    const key = this.#key;
    let to = writeVarint(buffer, key === null ? -1 : key.length, at);
    if (key !== null) {
      buffer.set(key, to);
      to += key.length;
    }
    return writeVarint(buffer, this.#valueLength, to);
  }
}

/** Puts record headers into wire form once, for {@link BatchBuilder.add}. */
export function encodeHeaders(headers: readonly RecordHeader[]): EncodedHeaders {
  let bytes = varintBytes(headers.length);
  for (const { key, value } of headers) {
    bytes += varintBytes(key.length) + key.length;
    bytes += varintBytes(value === null ? -1 : value.length) + (value?.length ?? 0);
  }
  const target = Buffer.allocUnsafe(bytes);
  let at = writeVarint(target, headers.length, 0);
  for (const { key, value } of headers) {
    at = writeVarint(target, key.length, at);
    target.set(key, at);
    at = writeVarint(target, value === null ? -1 : value.length, at + key.length);
    if (value !== null) {
      target.set(value, at);
      at += value.length;
    }
  }
  return target as unknown as EncodedHeaders;
}

/** Headers in wire form, followed by more of them. */
export function joinHeaders(first: EncodedHeaders, second: EncodedHeaders): EncodedHeaders {
  const [firstCount, firstAt] = headerCount(first);
  const [secondCount, secondAt] = headerCount(second);
  const count = firstCount + secondCount;
  const entryBytes = first.length - firstAt + second.length - secondAt;
  const target = Buffer.allocUnsafe(varintBytes(count) + entryBytes);
  const at = writeVarint(target, count, 0);
  target.set(first.subarray(firstAt), at);
  target.set(second.subarray(secondAt), at + first.length - firstAt);
  return target as unknown as EncodedHeaders;
}

function headerCount(headers: EncodedHeaders): readonly [count: number, entriesAt: number] {
  const cursor = new VarintCursor(headers as unknown as Buffer);
  const count = cursor.varint();
  return [count, cursor.at];
}
