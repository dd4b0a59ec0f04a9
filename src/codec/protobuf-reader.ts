/**
 * Reads one Protocol Buffers message, field by field, never beyond its end:
 *
 *     tag = field number << 3 | wire type, a varint
 *     wire type 0 varint | 1 eight bytes | 2 length-delimited (varint, bytes) | 5 four bytes
 *
 * Call {@link ProtobufReader.next}, then exactly one of the methods that read or skip the field.
 * Groups (wire types 3 and 4) are refused: nobody has written them since proto2 was young.
 * Source: Protocol Buffers, "Encoding".
 */
import { TributaryError } from "../base/errors.ts";
import { textOf } from "./text.ts";

const VARINT = 0;
const EIGHT_BYTES = 1;
const DELIMITED = 2;
const FOUR_BYTES = 5;

/** So many groups of seven bits fit into a number; what follows needs a bigint. */
const NUMBER_GROUPS = 7;
const VARINT_BYTES_MAX = 10;

export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #field = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array, from = 0, end: number = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
    this.#end = end;
  }

  /** The number of the field that {@link next} has found. */
  get field(): number {
    return this.#field;
  }

  /** Whether the field found holds a length and bytes: a packed list, where numbers may repeat. */
  get delimited(): boolean {
    return this.#wireType === DELIMITED;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Goes on to the next field; false at the end of the message. */
  next(): boolean {
    if (this.atEnd) return false;
    const tag = this.#varint();
    if (typeof tag === "bigint" || tag > 0xffff_ffff || tag < 8) {
      throw invalid(`no field begins at its byte ${this.#at}`);
    }
    this.#field = tag >>> 3;
    this.#wireType = tag & 7;
    return true;
  }

  /** All 64 bits, unsigned; a bigint where a number would not be exact. */
  uint64(): number | bigint {
    this.#expect(VARINT);
    return this.#varint();
  }

  /** The low 32 bits, unsigned, as every implementation reads a longer varint. */
  uint32(): number {
    const value = this.uint64();
    return typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(32, value));
  }

  /** The next number of a packed list, whose bytes are this reader's. */
  packedUint32(): number {
    this.#wireType = VARINT;
    return this.uint32();
  }

  boolean(): boolean {
    return this.uint64() !== 0;
  }

  float(): number {
    this.#expect(FOUR_BYTES);
    return this.#bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    this.#expect(EIGHT_BYTES);
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  string(): string {
    const text = textOf(this.bytes());
    if (text === undefined) throw invalid(`its text before byte ${this.#at} is not UTF-8`);
    return text;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer {
    const length = this.#length();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** The message that the field holds. */
  message(): ProtobufReader {
    const length = this.#length();
    const at = this.#take(length);
    return new ProtobufReader(this.#bytes, at, at + length);
  }

  /** Passes over a field that nobody asked for. */
  skip(): void {
    if (this.#wireType === VARINT) this.#varint();
    else if (this.#wireType === DELIMITED) this.#take(this.#length());
    else if (this.#wireType === EIGHT_BYTES) this.#take(8);
    else if (this.#wireType === FOUR_BYTES) this.#take(4);
    else throw invalid(`its field ${this.#field} has the wire type ${this.#wireType}`);
  }

  #length(): number {
    this.#expect(DELIMITED);
    const length = this.#varint();
    return typeof length === "number" ? length : Number.POSITIVE_INFINITY;
  }

  #varint(): number | bigint {
    let value = 0;
    let scale = 1;
    for (let group = 0; group < NUMBER_GROUPS; group += 1) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    let large = BigInt(value);
    for (let group = NUMBER_GROUPS; group < VARINT_BYTES_MAX; group += 1) {
      const byte = this.#bytes[this.#take(1)] as number;
      large |= BigInt(byte & 0x7f) << BigInt(7 * group);
      if (byte < 0x80) return numberOrBigint(BigInt.asUintN(64, large));
    }
    throw invalid(`a varint before its byte ${this.#at} is longer than 64 bits`);
  }

  #take(length: number): number {
    if (length > this.#end - this.#at) throw invalid("it is cut short");
    const at = this.#at;
    this.#at = at + length;
    return at;
  }

  #expect(wireType: number): void {
    if (this.#wireType === wireType) return;
    throw invalid(`its field ${this.#field} has the wire type ${this.#wireType}, not ${wireType}`);
  }
}

function numberOrBigint(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function invalid(reason: string): TributaryError {
  return new TributaryError(
    "PAYLOAD_INVALID",
    `The payload is not a Protocol Buffers message: ${reason}`,
  );
}
