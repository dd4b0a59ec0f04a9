import { cborCodec } from "./cbor.ts";
import type { PayloadCodec } from "./contract.ts";
import { jsonCodec } from "./json.ts";
import { rawCodec } from "./raw.ts";
import { textOf } from "./text.ts";

/**
 * Finds out by looking: JSON where it parses as JSON, text where it is UTF-8, CBOR where the bytes
 * are exactly one well-formed item, else bytes. CBOR maps and arrays begin with a byte that no text
 * begins with, so they are never mistaken; a lone CBOR number or string may read as text, and is
 * better named by a `content-type` header or the codec `cbor`.
 *
 * Refuses nothing, and writes JSON.
 */
export const autoCodec: PayloadCodec = {
  name: "auto",
  contentTypes: [],

  decode(bytes) {
    if (textOf(bytes) !== undefined) {
      return mayBeJson(bytes) ? firstOf([jsonCodec, rawCodec], bytes) : rawCodec.decode(bytes);
    }
    return firstOf([cborCodec, rawCodec], bytes);
  },

  encode: (value) => jsonCodec.encode(value),
};

const WHITESPACE = new Set(Buffer.from(" \t\r\n"));
const JSON_BEGINNINGS = new Set(Buffer.from('{["-0123456789tfn'));

/** Whether the first byte allows it: a failed parse costs more than this look. */
function mayBeJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => !WHITESPACE.has(byte));
  return first !== undefined && JSON_BEGINNINGS.has(first);
}

/** What the first codec that accepts the bytes makes of them; the last one accepts all. */
function firstOf(codecs: readonly [PayloadCodec, PayloadCodec], bytes: Uint8Array) {
  try {
    return codecs[0].decode(bytes);
  } catch {
    return codecs[1].decode(bytes);
  }
}
