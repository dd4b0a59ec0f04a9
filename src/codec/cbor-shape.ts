/**
 * A walk over CBOR (RFC 8949, appendix C) before it is decoded: is it exactly one well-formed item,
 * of bounded depth, without the tags by which a few bytes become many? The decoder of cbor-x gives
 * meaning to shared references, packed tables and record definitions, which no sensor needs, and
 * which let a payload of a hundred bytes grow without bound, or refer to another payload's.
 *
 *     initial byte  bits 7-5 major type, 4-0 the argument, or how it follows
 *     0 unsigned | 1 negative | 2 bytes | 3 text | 4 array | 5 map | 6 tag | 7 simple and float
 */
import { TributaryError } from "../base/errors.ts";
import { DEPTH_MAX } from "./contract.ts";

/** Packed reference, bundled strings, generic object, shared value and reference, packed table, legacy record, map. */
const REFUSED_TAGS = new Set([6, 14, 15, 27, 28, 29, 51, 105, 259]);
/** From here on cbor-x keeps record definitions and bundled strings. */
const REFUSED_TAGS_FROM = 0xdff0;
const BIGNUM_TAGS = new Set([2, 3]);
/** Longer integers take the decoder quadratic time. */
const BIGNUM_BYTES_MAX = 64;
const BREAK = 0xff;

/** @throws PAYLOAD_INVALID where `bytes` are not one whole item that is safe to decode */
export function assertSafeCbor(bytes: Uint8Array): void {
  const end = new CborWalk(bytes).item(0, 0);
  if (end !== bytes.length) throw invalid(`${bytes.length - end} bytes follow its end`);
}

class CborWalk {
  readonly #bytes: Uint8Array;
  /** The argument of the head that was read last; Infinity for an indefinite length. */
  #argument = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Walks the item at `start`; answers where it ends. */
  item(start: number, depth: number): number {
    if (depth > DEPTH_MAX) throw invalid(`it nests deeper than ${DEPTH_MAX} levels`);
    const major = (this.#bytes[start] ?? 0) >> 5;
    const at = this.#head(start);
    const argument = this.#argument;
    switch (major) {
      case 2:
      case 3:
        if (argument > this.#bytes.length - at) throw cutShort();
        return at + argument;
      case 4:
        return this.#items(at, argument, 1, depth);
      case 5:
        return this.#items(at, argument, 2, depth);
      case 6:
        return this.#tagged(at, argument, depth);
      default:
        return at;
    }
  }

  /** Reads an initial byte and its argument; answers where what follows begins. */
  #head(start: number): number {
    const initial = this.#bytes[start];
    if (initial === undefined) throw cutShort();
    const low = initial & 0x1f;
    if (low < 24) {
      this.#argument = low;
      return start + 1;
    }
    const major = initial >> 5;
    if (low === 31 && (major === 4 || major === 5)) {
      this.#argument = Number.POSITIVE_INFINITY;
      return start + 1;
    }
    if (low > 27) throw invalid(`its byte ${start} begins no item that is supported`);
    const argumentBytes = 1 << (low - 24);
    const end = start + 1 + argumentBytes;
    if (end > this.#bytes.length) throw cutShort();
    let argument = 0;
    for (let at = start + 1; at < end; at++) argument = argument * 256 + (this.#bytes[at] ?? 0);
    this.#argument = argument;
    return end;
  }

  #items(start: number, count: number, itemsEach: number, depth: number): number {
    // Each item takes a byte at least, so a count that cannot be met ends the walk at once.
    if (count !== Number.POSITIVE_INFINITY && count * itemsEach > this.#bytes.length - start) {
      throw cutShort();
    }
    let at = start;
    for (let index = 0; index < count; index++) {
      if (count === Number.POSITIVE_INFINITY && this.#bytes[at] === BREAK) return at + 1;
      for (let each = 0; each < itemsEach; each++) at = this.item(at, depth + 1);
    }
    return at;
  }

  #tagged(start: number, tag: number, depth: number): number {
    if (REFUSED_TAGS.has(tag) || tag >= REFUSED_TAGS_FROM) {
      throw invalid(`its tag ${tag} is not supported`);
    }
    const end = this.item(start, depth + 1);
    if (BIGNUM_TAGS.has(tag) && end - start > BIGNUM_BYTES_MAX) {
      throw invalid(`an integer of it is longer than ${BIGNUM_BYTES_MAX} bytes`);
    }
    return end;
  }
}

function cutShort(): TributaryError {
  return invalid("it is cut short");
}

function invalid(reason: string): TributaryError {
  return new TributaryError("PAYLOAD_INVALID", `The payload is not CBOR: ${reason}`);
}
