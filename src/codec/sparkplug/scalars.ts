/**
 * The single values of Sparkplug B: what the wire holds, what a type makes of it, and back. The wire
 * knows unsigned integers only, so a negative one stands in two's complement: of 32 bits for Int8 to
 * Int32 (some senders write fewer), of 64 for Int64.
 * Source: Sparkplug 3.0, section 6.4.17, Datatype Details.
 */
import type { PlainValue } from "../contract.ts";
import { type DataType, SIGNED_BITS, UNSIGNED_BITS } from "./data-types.ts";
import { invalid } from "./invalid.ts";
import type { Whole } from "./payload.ts";

/** An integer as it stood on the wire, as the plain value of `type`. */
export function integerOf(value: number | bigint, type: DataType | undefined): Whole {
  const bits = type === undefined ? undefined : SIGNED_BITS.get(type);
  if (bits === undefined) return wholeOf(value);
  return wholeOf(BigInt.asIntN(bits, BigInt(value)));
}

export function wholeOf(value: number | bigint): Whole {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** JSON has no number for NaN and the infinities, and no minus zero. */
export function doubleOf(value: number): PlainValue {
  return Number.isFinite(value) ? value + 0 : String(value);
}

const FLOAT_DIGITS_MIN = 6;
const FLOAT_DIGITS_MAX = 9;

/** The shortest number that is the same float again: 0.1, not 0.10000000149011612. */
export function floatOf(value: number): PlainValue {
  for (let digits = FLOAT_DIGITS_MIN; digits < FLOAT_DIGITS_MAX; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short + 0;
  }
  return doubleOf(value);
}

export function base64Of(bytes: Buffer): { readonly base64: string } {
  return { base64: bytes.toString("base64") };
}

/**
 * The integer that a plain value stands for, within the bounds of `type` (of 64 bits unsigned, where
 * that is no integer type). @throws PAYLOAD_INVALID
 */
export function toInteger(value: PlainValue, type: DataType | undefined): bigint {
  const integer = parsedInteger(value);
  if (integer === undefined) throw invalid(`${JSON.stringify(value)} is not a whole number`);
  const signedBits = type === undefined ? undefined : SIGNED_BITS.get(type);
  const wrapped =
    signedBits === undefined
      ? BigInt.asUintN((type !== undefined && UNSIGNED_BITS.get(type)) || 64, integer)
      : BigInt.asIntN(signedBits, integer);
  if (wrapped !== integer) throw invalid(`${integer} is out of the range of ${type ?? "UInt64"}`);
  return integer;
}

function parsedInteger(value: PlainValue): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** @throws PAYLOAD_INVALID */
export function toDouble(value: PlainValue): number {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw invalid(`${JSON.stringify(value)} is not a number`);
}

/** @throws PAYLOAD_INVALID */
export function toFloat(value: PlainValue): number {
  const number = toDouble(value);
  const float = Math.fround(number);
  if (Number.isFinite(number) && !Number.isFinite(float)) {
    throw invalid(`${number} is out of the range of Float`);
  }
  return float;
}

/** @throws PAYLOAD_INVALID */
export function toText(value: PlainValue): string {
  if (typeof value === "string") return value;
  throw invalid(`${JSON.stringify(value)} is not a text`);
}

/** @throws PAYLOAD_INVALID */
export function toBoolean(value: PlainValue): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(`${JSON.stringify(value)} is neither true nor false`);
}

/** @throws PAYLOAD_INVALID */
export function toBytes(value: PlainValue): Buffer {
  if (typeof value === "object" && value !== null && "base64" in value) {
    const { base64 } = value as { readonly base64: PlainValue };
    const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
    if (bytes?.toString("base64") === base64) return bytes as Buffer;
  }
  throw invalid('bytes are written as {"base64": "..."}');
}
