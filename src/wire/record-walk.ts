/**
 * The checks of `checkRecords` for a records section that comes in pieces, as it is inflated: no more
 * than one piece is in memory, and a walk may rest after any field, so that a section of millions of
 * records takes as many turns of the event loop as it needs. Owner of where it stands between them.
 *
 * A property test holds it against `checkRecords`: both take the same sections and no others.
 */
import { TributaryError } from "../base/errors.ts";
import { recordCount } from "./record-batch.ts";
import { RECORD_BYTES_MIN } from "./records.ts";
import { VARLONG_BYTES_MAX, VarintCursor } from "./varint.ts";

/** What stands next. Key, value, header key and header value are a length and so many bytes. */
const LENGTH = 0;
const TIMESTAMP = 1;
const OFFSET = 2;
const KEY = 3;
const VALUE = 4;
const HEADER_COUNT = 5;
const HEADER_KEY = 6;
const HEADER_VALUE = 7;

const NOTHING = Buffer.alloc(0);

export class RecordWalk {
  readonly #recordCount: number;
  #cursor = new VarintCursor(NOTHING);
  /** Where the piece begins in the section. */
  #base = 0;
  /** No further piece follows. */
  #last = false;
  #field = LENGTH;
  #records = 0;
  /** Where the record under the cursor ends, in the section. */
  #end = 0;
  #headersLeft = 0;
  #maxTimestampDelta = Number.NEGATIVE_INFINITY;

  /** The walk through the records of `batch`, whose header has been checked. */
  constructor(batch: Buffer) {
    this.#recordCount = recordCount(batch);
  }

  /** Of the records so far, from the batch's base timestamp. */
  get maxTimestampDelta(): number {
    return this.#maxTimestampDelta;
  }

  /** The piece that follows; all of the one before has been walked through. */
  push(piece: Buffer): void {
    const { bytes, at } = this.#cursor;
    this.#base += Math.min(at, bytes.length);
    // A few bytes are left where a number may be cut in two; else what is skipped may go beyond.
    const skipped = Math.max(0, at - bytes.length);
    const left = bytes.subarray(at);
    const next = left.length === 0 ? piece : Buffer.concat([left, piece]);
    this.#cursor = new VarintCursor(next, skipped);
  }

  /** The section ends with what was pushed. */
  end(): void {
    this.#last = true;
  }

  /**
   * Goes on through the piece for at most so many fields; answers whether it could go further
   * without another piece. @throws BATCH_INVALID
   */
  walk(fieldsMax: number): boolean {
    const cursor = this.#cursor;
    const stop = this.#last ? cursor.bytes.length - 1 : cursor.bytes.length - VARLONG_BYTES_MAX;
    for (let fields = 0; fields < fieldsMax; fields++) {
      if (cursor.at > stop) {
        if (this.#last) this.#close();
        return false;
      }
      this.#readField(cursor);
    }
    return true;
  }

  #readField(cursor: VarintCursor): void {
    switch (this.#field) {
      case LENGTH:
        this.#openRecord(cursor);
        break;
      case TIMESTAMP: {
        const delta = cursor.varlong();
        if (delta > this.#maxTimestampDelta) this.#maxTimestampDelta = delta;
        this.#field = OFFSET;
        break;
      }
      case OFFSET: {
        const delta = cursor.varint();
        if (delta !== this.#records) {
          throw invalid(`record ${this.#records} has offset delta ${delta}`);
        }
        this.#field = KEY;
        break;
      }
      case KEY:
      case VALUE:
        this.#skip(cursor, -1);
        this.#field += 1;
        break;
      case HEADER_COUNT: {
        const count = cursor.varint();
        // A header takes two bytes at least: its two lengths.
        if (count < 0 || count * 2 > this.#left(cursor))
          throw invalid(`a header count of ${count}`);
        this.#headersLeft = count;
        this.#nextHeader(cursor);
        break;
      }
      case HEADER_KEY:
        this.#skip(cursor, 0);
        this.#field = HEADER_VALUE;
        break;
      default:
        this.#skip(cursor, -1);
        this.#headersLeft -= 1;
        this.#nextHeader(cursor);
    }
  }

  #openRecord(cursor: VarintCursor): void {
    if (this.#records === this.#recordCount) throw invalid("bytes follow its last record");
    const length = cursor.varint();
    if (length < RECORD_BYTES_MIN - 1) {
      throw invalid(`a record's length of ${length} bytes does not fit`);
    }
    this.#end = this.#base + cursor.at + length;
    // The attributes of a record: no bit of them has a meaning yet.
    cursor.at += 1;
    this.#field = TIMESTAMP;
  }

  /** Passes over a length and what it says; -1 stands for null. */
  #skip(cursor: VarintCursor, lengthMin: -1 | 0): void {
    const length = cursor.varint();
    if (length < lengthMin || length > this.#left(cursor)) {
      throw invalid(`a field's length of ${length} bytes does not fit`);
    }
    if (length > 0) cursor.at += length;
  }

  #nextHeader(cursor: VarintCursor): void {
    if (this.#headersLeft > 0) {
      this.#field = HEADER_KEY;
      return;
    }
    if (this.#left(cursor) !== 0) {
      throw invalid("a record's length does not match what is in it");
    }
    this.#records += 1;
    this.#field = LENGTH;
  }

  /** What is left of the record, in bytes; below 0 where its numbers went beyond it. */
  #left(cursor: VarintCursor): number {
    return this.#end - this.#base - cursor.at;
  }

  #close(): void {
    const whole = this.#field === LENGTH && this.#cursor.at === this.#cursor.bytes.length;
    if (!whole || this.#records !== this.#recordCount) {
      throw invalid(`it ends within its record ${this.#records} of ${this.#recordCount}`);
    }
  }
}

function invalid(reason: string): TributaryError {
  return new TributaryError("BATCH_INVALID", `The batch contradicts itself: ${reason}`);
}
