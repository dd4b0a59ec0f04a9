/**
 * JSON text (RFC 8259), in UTF-8 and nothing else. Integers beyond 53 bits and numbers beyond the
 * range of a double become the text that stood there, as they do in CBOR: rounded, an identifier
 * would be another one.
 */
import { messageOf, TributaryError } from "../base/errors.ts";
import type { PayloadCodec, PlainValue } from "./contract.ts";
import { assertShallow } from "./depth.ts";
import { textOf } from "./text.ts";

export const jsonCodec: PayloadCodec = {
  name: "json",
  contentTypes: ["application/json", "text/json"],

  decode(bytes) {
    const text = textOf(bytes);
    if (text === undefined) throw invalid("it is not UTF-8");
    let value: PlainValue;
    try {
      value = (
        MAYBE_INEXACT.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text)
      ) as PlainValue;
    } catch (error) {
      throw invalid(messageOf(error));
    }
    assertShallow(value, bytes.length);
    return value;
  },

  encode(value) {
    assertShallow(value);
    return Buffer.from(JSON.stringify(value), "utf8");
  },
};

/** Many digits, an exponent or a minus zero: only then is it worth looking at each number. */
const MAYBE_INEXACT = /\d{16}|\d[eE][+-]?\d|-0/;

function exactNumber(_field: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? String(value);
  // Adding 0 makes a minus zero, which JSON cannot write, a plain one.
  return keepsItsDigits(value, source) ? value + 0 : source;
}

function keepsItsDigits(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return !Number.isInteger(value) || Number.isSafeInteger(value) || !lostDigits(source, value);
}

/** Whether all digits were written out (1e300 says itself that it is a float), and some were lost. */
function lostDigits(source: string, value: number): boolean {
  return !/[.eE]/.test(source) && source !== String(value);
}

function invalid(reason: string): TributaryError {
  return new TributaryError("PAYLOAD_INVALID", `The payload is not JSON: ${reason}`);
}
