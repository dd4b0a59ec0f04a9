/**
 * Reads the Kafka protocol's primitive types from one buffer, front to back. Owns only a position.
 *
 * Whatever the bytes are, a read either answers or throws FRAME_MALFORMED: every read is checked
 * against the end, no count or length from the wire is believed beyond the bytes that are left, and
 * the elements of all arrays together have a limit, so a hostile frame cannot make it allocate.
 *
 * KIP-482 gave every message a "flexible" form: strings, bytes and arrays with compact (varint)
 * lengths, and tagged fields after each structure. A reader is of one form for its whole life, so
 * that an API's decoder is written once: `string()` reads either kind, and `tags()` reads nothing in
 * the older form.
 *
 * Source: Apache Kafka, "Protocol primitive types".
 */
import { isUtf8 } from "node:buffer";
import { TributaryError } from "../base/errors.ts";

/** Fewer bytes than this no array element takes; only elements of no bytes at all could be less. */
const ELEMENT_BYTES_MIN = 1;
const UUID_BYTES = 16;
/** Of all arrays of one message: each element becomes some hundred bytes of objects. */
export const ELEMENTS_MAX = 250_000;

export class WireReader {
  readonly flexible: boolean;
  readonly #bytes: Buffer;
  #position: number;
  #elements = 0;

  constructor(bytes: Buffer, flexible = false, position = 0) {
    this.#bytes = bytes;
    this.flexible = flexible;
    this.#position = position;
  }

  /** Where the next read begins, in bytes from the start of the buffer. */
  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Goes on in the same buffer, in the other form: a request's body after its header. */
  as(flexible: boolean): WireReader {
    return new WireReader(this.#bytes, flexible, this.#position);
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  /**
   * An offset, a time or a size as a number. What lies beyond a safe integer is answered as the
   * nearest one: such a value is as far out of every range of ours as the one that was sent.
   */
  int64(): number {
    const value = Number(this.bigInt64());
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
    return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
  }

  /** A full 64-bit value: producer ids. */
  bigInt64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw this.#malformed("a varint is longer than 32 bits");
  }

  /** A zigzag varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag varlong, clamped to a safe integer as {@link int64} is. */
  varlong(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#take(1)] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return clamped((value >> 1n) ^ -(value & 1n));
    }
    throw this.#malformed("a varlong is longer than 64 bits");
  }

  /** A UUID in its usual text form, lower case. */
  uuid(): string {
    const at = this.#take(UUID_BYTES);
    const hex = this.#bytes.toString("hex", at, at + UUID_BYTES);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  string(): string {
    return this.nullableString() ?? this.#refuseNull("string");
  }

  nullableString(): string | null {
    const length = this.flexible ? this.uvarint() - 1 : this.int16();
    if (length < 0) return this.#null(length);
    const bytes = this.raw(length);
    // Decoded leniently, a wrong byte grows to three: an answer that repeats the string would not
    // fit where the string came from.
    if (!isUtf8(bytes)) throw this.#malformed("a string is not UTF-8");
    return bytes.toString("utf8");
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer {
    return this.nullableBytes() ?? this.#refuseNull("bytes");
  }

  /** A view of the bytes, not a copy. */
  nullableBytes(): Buffer | null {
    const length = this.flexible ? this.uvarint() - 1 : this.int32();
    if (length < 0) return this.#null(length);
    return this.raw(length);
  }

  /** The next `length` bytes as they are: a view, not a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  array<Element>(readElement: (reader: this) => Element): Element[] {
    return this.nullableArray(readElement) ?? this.#refuseNull("array");
  }

  nullableArray<Element>(readElement: (reader: this) => Element): Element[] | null {
    const count = this.flexible ? this.uvarint() - 1 : this.int32();
    if (count < 0) return this.#null(count);
    if (count * ELEMENT_BYTES_MIN > this.remaining) {
      throw this.#malformed(`an array claims ${count} elements in ${this.remaining} bytes`);
    }
    this.#elements += count;
    if (this.#elements > ELEMENTS_MAX) {
      throw this.#malformed(`its arrays hold more than ${ELEMENTS_MAX} elements`);
    }
    const elements: Element[] = [];
    for (let index = 0; index < count; index += 1) elements.push(readElement(this));
    return elements;
  }

  /** Passes over the tagged fields that end a structure; nothing in the older form. */
  tags(): void {
    if (!this.flexible) return;
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }

  #take(length: number): number {
    if (length < 0 || length > this.#bytes.length - this.#position) {
      throw this.#malformed(`${length} bytes wanted where ${this.remaining} are left`);
    }
    const at = this.#position;
    this.#position = at + length;
    return at;
  }

  #null(length: number): null {
    if (length !== -1) throw this.#malformed(`a length is ${length}`);
    return null;
  }

  #refuseNull(kind: string): never {
    throw this.#malformed(`null stands where a ${kind} must be`);
  }

  #malformed(reason: string): TributaryError {
    return new TributaryError(
      "FRAME_MALFORMED",
      `Malformed Kafka message at byte ${this.#position}: ${reason}.`,
    );
  }
}

function clamped(value: bigint): number {
  const number = Number(BigInt.asIntN(64, value));
  return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
