/**
 * CBOR (RFC 8949), decoded into what JSON can write: integers beyond 53 bits become decimal text,
 * NaN and the infinities their names, dates ISO 8601 text, byte strings `{"base64": "..."}`,
 * undefined null, a set or typed array an array; an unknown tag is left off its content. A map's
 * keys become text. (A field named `__proto__` comes out as `__proto_`: cbor-x protects itself.)
 */
import { Decoder, Encoder, Tag } from "cbor-x";
import { messageOf, TributaryError } from "../base/errors.ts";
import { assertSafeCbor } from "./cbor-shape.ts";
import type { PayloadCodec, PlainValue } from "./contract.ts";
import { assertShallow } from "./depth.ts";

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });
const encoder = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  variableMapSize: true,
});

export const cborCodec: PayloadCodec = {
  name: "cbor",
  contentTypes: ["application/cbor"],

  decode(bytes) {
    assertSafeCbor(bytes);
    try {
      return toPlain(decoder.decode(bytes));
    } catch (error) {
      throw new TributaryError(
        "PAYLOAD_INVALID",
        `The payload is not CBOR that can be read: ${messageOf(error)}`,
        { cause: error },
      );
    }
  },

  encode(value) {
    assertShallow(value);
    return Buffer.from(encoder.encode(value));
  },
};

function toPlain(value: unknown): PlainValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      // JSON has no number for NaN and the infinities, and no minus zero.
      return Number.isFinite(value) ? value + 0 : String(value);
    case "bigint":
      return toNumberOrText(value);
    case "object":
      return value === null ? null : objectToPlain(value);
    case "undefined":
    case "function":
    case "symbol":
      break;
  }
  return null;
}

function objectToPlain(value: object): PlainValue {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Tag) return toPlain(value.value);
  if (value instanceof Set) return Array.from(value, toPlain);
  if (value instanceof Map) return entriesToPlain(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, toPlain);
  return entriesToPlain(Object.entries(value));
}

function entriesToPlain(entries: Iterable<readonly [unknown, unknown]>): PlainValue {
  const plain: Record<string, PlainValue> = {};
  for (const [key, value] of entries) plain[String(key)] = toPlain(value);
  return plain;
}

function toNumberOrText(value: bigint): PlainValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
