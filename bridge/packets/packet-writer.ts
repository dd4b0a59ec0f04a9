/**
 * Writes one packet, front to back, into a buffer of its own that grows by doubling. Room is left
 * in front for the fixed header, whose size is known last: {@link finish} puts it right before the
 * body.
 *
 * That a number, a text or a packet is too large for its place is a bug of whoever made it, and so
 * an assertion: all that came from outside has been read with the same limits. Source: MQTT 5.0,
 * section 1.5.
 */
import { AssertionFailure } from "../../src/base/errors.ts";
import { REMAINING_BYTES_MAX } from "./fixed-header.ts";

const FIXED_HEADER_BYTES_MAX = 5;
const BODY_BYTES_INITIAL = 64;
const UINT8_MAX = 0xff;
const UINT16_MAX = 0xffff;
const UINT32_MAX = 0xffff_ffff;
const SHORT_TEXT_LENGTH_MAX = 64;

export class PacketWriter {
  #buffer: Buffer;
  #at = FIXED_HEADER_BYTES_MAX;

  /** `bodyBytes` is what will be written, where the caller knows it. */
  constructor(bodyBytes: number = BODY_BYTES_INITIAL) {
    this.#buffer = Buffer.allocUnsafe(FIXED_HEADER_BYTES_MAX + bodyBytes);
  }

  /** How much has been written. */
  get bodyBytes(): number {
    return this.#at - FIXED_HEADER_BYTES_MAX;
  }

  uint8(value: number): void {
    checkRange(value, UINT8_MAX);
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  uint16(value: number): void {
    checkRange(value, UINT16_MAX);
    const at = this.#reserve(2);
    this.#buffer[at] = value >> 8;
    this.#buffer[at + 1] = value;
  }

  uint32(value: number): void {
    checkRange(value, UINT32_MAX);
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  varint(value: number): void {
    const bytes = varintBytes(value);
    const at = this.#reserve(bytes);
    writeVarint(this.#buffer, value, at);
  }

  text(value: string): void {
    const { length } = value;
    if (length <= SHORT_TEXT_LENGTH_MAX && this.#shortAscii(value, length)) return;
    const bytes = Buffer.byteLength(value);
    this.uint16(bytes);
    const at = this.#reserve(bytes);
    this.#buffer.write(value, at, bytes, "utf8");
  }

  /** Bytes with their length (16 bits) before them. */
  binary(value: Buffer): void {
    this.uint16(value.length);
    this.raw(value);
  }

  raw(value: Buffer): void {
    const at = this.#reserve(value.length);
    value.copy(this.#buffer, at);
  }

  /** Begins a part that has its size before it; answers what {@link endSized} must be given. */
  beginSized(): number {
    // One byte is enough for nearly all.
    return this.#reserve(1) + 1;
  }

  endSized(beginning: number): void {
    const size = this.#at - beginning;
    const more = varintBytes(size) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#buffer.copyWithin(beginning + more, beginning, beginning + size);
    }
    writeVarint(this.#buffer, size, beginning - 1);
  }

  /** What has been written, for a piece that is no packet yet. The writer is used up. */
  body(): Buffer {
    return this.#buffer.subarray(FIXED_HEADER_BYTES_MAX, this.#at);
  }

  /** The whole packet. The writer is used up. */
  finish(firstByte: number): Buffer {
    const remaining = this.bodyBytes;
    const lengthAt = FIXED_HEADER_BYTES_MAX - varintBytes(remaining);
    writeVarint(this.#buffer, remaining, lengthAt);
    this.#buffer[lengthAt - 1] = firstByte;
    return this.#buffer.subarray(lengthAt - 1, this.#at);
  }

  /** Faster than a call out of JavaScript. False, and nothing written, where it is not ASCII. */
  #shortAscii(value: string, length: number): boolean {
    const beginning = this.#at;
    this.uint16(length);
    const at = this.#reserve(length);
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 127) {
        this.#at = beginning;
        return false;
      }
      this.#buffer[at + index] = code;
    }
    return true;
  }

  #reserve(bytes: number): number {
    const at = this.#at;
    this.#at = at + bytes;
    if (this.#at > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }
}

/** How many bytes a variable byte integer takes. */
export function varintBytes(value: number): number {
  checkRange(value, REMAINING_BYTES_MAX);
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

function writeVarint(target: Buffer, value: number, at: number): void {
  let position = at;
  let rest = value;
  while (rest >= 128) {
    target[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[position] = rest;
}

/** Most calls of a hot path: no message is put together where nothing is wrong. */
function checkRange(value: number, max: number): void {
  if (value >= 0 && value <= max) return;
  throw new AssertionFailure(`${value} does not fit a field of an MQTT packet (at most ${max})`);
}
