/**
 * Walks the records of a stored batch without decoding them: where each stands, its offset, its
 * timestamp and, when asked, its key. One object serves the whole walk.
 */
import { TributaryError } from "../base/errors.ts";
import { decompress } from "./compression.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestampMs,
  compressionCodec,
  isLogAppendTime,
  maxTimestampMs,
  recordCount,
} from "./record-batch.ts";
import { DECOMPRESSED_BYTES_MAX } from "./records.ts";
import { VarintCursor } from "./varint.ts";

/** The record the walk stands at. */
export interface StoredRecord {
  /** The records section that holds it. */
  readonly section: Buffer;
  readonly attributes: number;
  readonly offset: number;
  /** As a consumer of the log sees it: the append time where the topic has LogAppendTime. */
  readonly timestampMs: number;
  /** Where it begins: at its length. */
  readonly start: number;
  /** From the key's length to the end of the headers. */
  readonly restStart: number;
  readonly restEnd: number;
}

export class StoredRecords implements StoredRecord {
  readonly section: Buffer;
  attributes = 0;
  offset = -1;
  timestampMs = -1;
  start = 0;
  restStart = 0;
  restEnd = 0;
  readonly #cursor: VarintCursor;
  readonly #baseOffset: number;
  readonly #baseTimestampMs: number;
  readonly #appendTimeMs: number | undefined;
  #left: number;

  /** @throws COMPRESSION_UNSUPPORTED, BATCH_CORRUPT, DECOMPRESSED_TOO_LARGE */
  constructor(batch: Buffer) {
    const codec = compressionCodec(batch);
    if (codec === undefined) {
      throw new TributaryError(
        "COMPRESSION_UNSUPPORTED",
        "A stored batch has a compression that this version does not know; use a later one",
      );
    }
    const stored = batch.subarray(BATCH_HEADER_BYTES);
    this.section = codec === "none" ? stored : decompress(codec, stored, DECOMPRESSED_BYTES_MAX);
    this.#cursor = new VarintCursor(this.section);
    this.#baseOffset = baseOffset(batch);
    this.#baseTimestampMs = baseTimestampMs(batch);
    this.#appendTimeMs = isLogAppendTime(batch) ? maxTimestampMs(batch) : undefined;
    this.#left = recordCount(batch);
  }

  /** Goes to the next record; false where there is none. @throws BATCH_INVALID */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const cursor = this.#cursor;
    cursor.at = this.restEnd;
    this.start = cursor.at;
    const length = cursor.varint();
    const end = cursor.at + length;
    this.attributes = this.section[cursor.at] ?? 0;
    cursor.at += 1;
    const timestampDelta = cursor.varlong();
    this.offset = this.#baseOffset + cursor.varint();
    this.timestampMs = this.#appendTimeMs ?? this.#baseTimestampMs + timestampDelta;
    this.restStart = cursor.at;
    this.restEnd = end;
    if (end > this.section.length || end < cursor.at) throw invalid("a record's length");
    return true;
  }

  /** The current record's key, as a view; null where it has none. @throws BATCH_INVALID */
  key(): Buffer | null {
    const cursor = this.#cursor;
    cursor.at = this.restStart;
    const length = cursor.varint();
    if (length < 0) return null;
    const end = cursor.at + length;
    if (end > this.restEnd) throw invalid("a key's length");
    return this.section.subarray(cursor.at, end);
  }

  /** Whether the current record has a value: in a compacted topic, none deletes its key. */
  hasValue(): boolean {
    const cursor = this.#cursor;
    cursor.at = this.restStart;
    const keyBytes = cursor.varint();
    cursor.at += Math.max(keyBytes, 0);
    if (cursor.at >= this.restEnd) throw invalid("a key's length");
    return cursor.varint() >= 0;
  }
}

function invalid(what: string): TributaryError {
  return new TributaryError("BATCH_INVALID", `A stored batch contradicts itself: ${what} is wrong`);
}
