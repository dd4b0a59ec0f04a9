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
import { copySlice, copyWords, OVERRUN_BYTES_MAX, viewOf } from "./copy-slice.ts";
import { BATCH_HEADER_BYTES, NO_PRODUCER_ID, writeHeader } from "./record-batch.ts";
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
    this.#like.become(key, valueLength, headers);
    const at = this.#begin(timestampMs);
    if (value !== null) this.#buffer.set(value, at);
    this.#end(at + Math.max(valueLength, 0), headers);
  }

  /**
   * Adds one record whose value is `source` from `from` to `to`: no view is made of it. The same
   * `key` object must hold the same bytes each time, and `headers`, too.
   */
  addSlice(
    timestampMs: number,
    key: Uint8Array | null,
    source: Buffer,
    from: number,
    to: number,
    headers: EncodedHeaders = NO_HEADERS,
  ): void {
    const like = this.#like;
    if (!like.fits(key, to - from, headers)) like.become(key, to - from, headers);
    const at = this.#begin(timestampMs);
    copySlice(source, from, to, this.#buffer, this.#view, at);
    this.#end(at + to - from, headers);
  }

  /** Writes what stands ahead of the value; answers where that begins. */
  #begin(timestampMs: number): number {
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    } else if (timestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = timestampMs;
    }
    const like = this.#like;
    const timestampDelta = timestampMs - this.#baseTimestampMs;
    const bodyBytes = like.bytes + varintBytes(timestampDelta) + varintBytes(this.#count);
    this.#reserve(bodyBytes + 5 + OVERRUN_BYTES_MAX);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, bodyBytes, this.#length);
    buffer[at++] = 0;
    at = writeVarint(buffer, timestampDelta, at);
    at = writeVarint(buffer, this.#count, at);
    return like.write(buffer, this.#view, at);
  }

  #end(at: number, headers: EncodedHeaders): void {
    // None is the rule, and one byte: not worth a call.
    if (headers.length === 1) this.#buffer[at] = headers[0] as number;
    else this.#buffer.set(headers, at);
    this.#length = at + headers.length;
    this.#count += 1;
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

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
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
