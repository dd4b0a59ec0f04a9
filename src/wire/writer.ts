/**
 * Writes the Kafka protocol's primitive types, front to back. Owns one growing buffer for the small
 * fields, and a list of byte ranges (record batches) that stand between them and are never copied:
 * {@link finish} answers the pieces in order, for one `writev`.
 *
 * Like the reader, a writer is of one form (KIP-482) for its whole life: `string()`, `bytes()` and
 * `array()` write compact lengths where it is flexible, and `tags()` an empty set of tagged fields.
 *
 * Source: Apache Kafka, "Protocol primitive types".
 */
import { assert } from "../base/errors.ts";

const INITIAL_BYTES = 256;
/** Ranges shorter than this are cheaper to copy than to hand to the kernel one by one. */
const COPY_BYTES_MAX = 512;
const INT16_MAX = 0x7fff;
/** Far more than an explanation needs; what a client sent may be repeated in one. */
const EXPLANATION_CHARACTERS_MAX = 1_000;
/** A longer buffer is not kept to be written to again. */
const KEPT_BYTES_MAX = 16 * 1024;

export class WireWriter {
  readonly flexible: boolean;
  #buffer: Buffer;
  #length = 0;
  #rangeBytes = 0;
  readonly #ranges: { readonly at: number; readonly bytes: Uint8Array }[] = [];

  constructor(flexible = false, initialBytes: number = INITIAL_BYTES) {
    this.flexible = flexible;
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Bytes written so far, appended ranges included. */
  get sizeBytes(): number {
    return this.#length + this.#rangeBytes;
  }

  int8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  uint16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  uint32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  float64(value: number): this {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
    return this;
  }

  int64(value: number | bigint): this {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  uvarint(value: number): this {
    assert(value >= 0 && value <= 0xffff_ffff, `${value} is not an unsigned 32-bit number`);
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#byte(rest);
    return this;
  }

  varint(value: number): this {
    return this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** A UUID from its usual text form. */
  uuid(value: string): this {
    const at = this.#reserve(16);
    const written = this.#buffer.write(value.replaceAll("-", ""), at, 16, "hex");
    assert(written === 16, `${value} is not a UUID`);
    return this;
  }

  string(value: string): this {
    const bytes = Buffer.byteLength(value);
    if (this.flexible) this.uvarint(bytes + 1);
    else {
      assert(bytes <= INT16_MAX, `a string of ${bytes} bytes does not fit the older form`);
      this.int16(bytes);
    }
    const at = this.#reserve(bytes);
    this.#buffer.write(value, at, bytes, "utf8");
    return this;
  }

  nullableString(value: string | null): this {
    if (value !== null) return this.string(value);
    return this.flexible ? this.uvarint(0) : this.int16(-1);
  }

  /** An error message: cut, where it repeats more of a request than the older form can hold. */
  explanation(text: string | null): this {
    const whole = text === null || text.length <= EXPLANATION_CHARACTERS_MAX;
    return this.nullableString(whole ? text : `${text.slice(0, EXPLANATION_CHARACTERS_MAX)}...`);
  }

  bytes(value: Uint8Array): this {
    return this.ranges([value]);
  }

  nullableBytes(value: Uint8Array | null): this {
    if (value !== null) return this.bytes(value);
    return this.flexible ? this.uvarint(0) : this.int32(-1);
  }

  /** One `bytes` field made of several ranges one after another; they must not change any more. */
  ranges(values: readonly Uint8Array[]): this {
    let length = 0;
    for (const value of values) length += value.length;
    if (this.flexible) this.uvarint(length + 1);
    else this.int32(length);
    for (const value of values) this.raw(value);
    return this;
  }

  /** Bytes with no length before them. A long range is referred to, so it must not change any more. */
  raw(value: Uint8Array): this {
    if (value.length <= COPY_BYTES_MAX) {
      const at = this.#reserve(value.length);
      this.#buffer.set(value, at);
    } else {
      this.#ranges.push({ at: this.#length, bytes: value });
      this.#rangeBytes += value.length;
    }
    return this;
  }

  array<Element>(
    elements: readonly Element[],
    writeElement: (element: Element, writer: this) => void,
  ): this {
    if (this.flexible) this.uvarint(elements.length + 1);
    else this.int32(elements.length);
    for (const element of elements) writeElement(element, this);
    return this;
  }

  nullableArray<Element>(
    elements: readonly Element[] | null,
    writeElement: (element: Element, writer: this) => void,
  ): this {
    if (elements !== null) return this.array(elements, writeElement);
    return this.flexible ? this.uvarint(0) : this.int32(-1);
  }

  /** The tagged fields that end a structure: none of ours. Nothing in the older form. */
  tags(): this {
    if (this.flexible) this.#byte(0);
    return this;
  }

  /** Everything written, as pieces in order. The writer must not be used again. */
  finish(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let from = 0;
    for (const { at, bytes } of this.#ranges) {
      if (at > from) pieces.push(this.#buffer.subarray(from, at));
      pieces.push(bytes);
      from = at;
    }
    if (this.#length > from) pieces.push(this.#buffer.subarray(from, this.#length));
    return pieces;
  }

  /** The same for a writer from {@link frame}: the length at its front is filled in. */
  finishFrame(): Uint8Array[] {
    this.#buffer.writeInt32BE(this.sizeBytes - 4, 0);
    return this.finish();
  }

  /** Everything written, as one buffer of its own. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.sizeBytes);
    let at = 0;
    for (const piece of this.finish()) {
      copy.set(piece, at);
      at += piece.length;
    }
    return copy;
  }

  /**
   * Begins anew in the memory that it has, so that one writer serves small values by the million;
   * only what {@link copy} answered is still good.
   */
  restart(): this {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#length = 0;
    this.#rangeBytes = 0;
    this.#ranges.length = 0;
    return this;
  }

  /** A writer that begins with room for a frame's length; see {@link finishFrame}. */
  static frame(flexible: boolean): WireWriter {
    return new WireWriter(flexible).int32(0);
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  /**
   * Makes room for `bytes` more; answers where they begin. To be called in a statement of its own:
   * it may replace the buffer, and `this.#buffer.write(value, this.#reserve(n))` has by then taken
   * the one before.
   */
  #reserve(bytes: number): number {
    const at = this.#length;
    const wanted = at + bytes;
    if (wanted > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = wanted;
    return at;
  }
}
