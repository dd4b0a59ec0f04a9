/**
 * Zigzag varints and varlongs, as the records of a batch use them (Protocol Buffers encoding,
 * least significant group first). Values are numbers up to 2^53; a longer varlong is refused.
 */
import { TributaryError } from "../base/errors.ts";

/** No number takes more. */
export const VARLONG_BYTES_MAX = 10;

/** Bytes that `value` takes as a zigzag varint. */
export function varintBytes(value: number): number {
  // What nearly all are: lengths, and distances within a batch.
  if (value >= -64 && value < 64) return 1;
  if (value >= -8192 && value < 8192) return 2;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let bytes = 1;
  while (rest >= 128) {
    rest = Math.floor(rest / 128);
    bytes += 1;
  }
  return bytes;
}

/** Writes `value` zigzag at `at`; answers the position after it. */
export function writeVarint(target: Buffer, value: number, at: number): number {
  if (value >= -64 && value < 64) {
    target[at] = (value << 1) ^ (value >> 31);
    return at + 1;
  }
  if (value < -8192 || value >= 8192) return writeLongVarint(target, value, at);
  const zigzag = (value << 1) ^ (value >> 31);
  target[at] = (zigzag & 127) | 128;
  target[at + 1] = zigzag >> 7;
  return at + 2;
}

function writeLongVarint(target: Buffer, value: number, at: number): number {
  let position = at;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 128) {
    target[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[position++] = rest;
  return position;
}

/**
 * Reads varints one after another from a part of a buffer, never beyond its end. One cursor serves
 * a whole batch, so that reading makes no object per value.
 */
export class VarintCursor {
  readonly bytes: Buffer;
  /** Where the next value begins. */
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The next zigzag varint of at most 32 bits. @throws BATCH_INVALID */
  varint(): number {
    const value = this.varlong();
    if (value > 0x7fffffff || value < -0x80000000) throw notA("varint of 32 bits");
    return value;
  }

  /** The next zigzag varlong; a safe integer. @throws BATCH_INVALID */
  varlong(): number {
    const { bytes, at } = this;
    // Nearly all take one byte or two, for which integers do.
    const first = bytes[at];
    if (first !== undefined && first < 128) {
      this.at = at + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = bytes[at + 1];
    if (first !== undefined && second !== undefined && second < 128) {
      this.at = at + 2;
      const raw = (second << 7) | (first & 127);
      return (raw >>> 1) ^ -(raw & 1);
    }
    return this.#longVarlong();
  }

  #longVarlong(): number {
    let raw = 0;
    let scale = 1;
    for (let position = this.at; ; position++) {
      const byte = this.bytes[position];
      if (byte === undefined) throw notA("whole varint");
      raw += (byte & 127) * scale;
      // From 2^53 on a number is no longer exact; no length and no timestamp goes that far.
      if (raw > Number.MAX_SAFE_INTEGER) throw notA("varint of 53 bits");
      if (byte < 128) {
        this.at = position + 1;
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      }
      scale *= 128;
      if (position - this.at >= VARLONG_BYTES_MAX - 1) throw notA("varint of at most 10 bytes");
    }
  }
}

function notA(wanted: string): TributaryError {
  return new TributaryError("BATCH_INVALID", `A number in the records is not a ${wanted}`);
}
