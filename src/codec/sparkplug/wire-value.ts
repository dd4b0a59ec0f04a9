/**
 * The value of a metric, a property, a parameter or a cell: each message has its own field numbers
 * for it, but six in the same order, counted here as places.
 *
 *     1 int_value uint32 | 2 long_value uint64 | 3 float | 4 double | 5 bool | 6 string
 *
 * What an integer or bytes mean depends on the type, which may stand behind the value.
 */
import type { PlainValue } from "../contract.ts";
import type { ProtobufReader } from "../protobuf-reader.ts";
import type { ProtobufWriter } from "../protobuf-writer.ts";
import { arrayFormOf } from "./arrays.ts";
import type { ValueBudget } from "./budget.ts";
import {
  type DataType,
  dataTypeNumber,
  dataTypeOf,
  SIGNED_BITS,
  UNSIGNED_BITS,
} from "./data-types.ts";
import { invalid } from "./invalid.ts";
import {
  base64Of,
  doubleOf,
  floatOf,
  integerOf,
  toBoolean,
  toDouble,
  toFloat,
  toInteger,
} from "./scalars.ts";

export type WireValue =
  | { readonly integer: number | bigint }
  | { readonly bytes: Buffer }
  | { readonly plain: PlainValue };

/** Reads the field that stands at `place`; passes over one that stands elsewhere. */
export function readSingle(reader: ProtobufReader, place: number): WireValue | undefined {
  if (place === 1) return { integer: reader.uint32() };
  if (place === 2) return { integer: reader.uint64() };
  if (place === 3) return { plain: floatOf(reader.float()) };
  if (place === 4) return { plain: doubleOf(reader.double()) };
  if (place === 5) return { plain: reader.boolean() };
  if (place === 6) return { plain: reader.string() };
  reader.skip();
  return undefined;
}

/** What was found, as `type` has it; null where nothing was. */
export function plainOf(
  found: WireValue | undefined,
  type: DataType | undefined,
  budget: ValueBudget,
): PlainValue {
  if (found === undefined) return null;
  if ("integer" in found) return integerOf(found.integer, type);
  if ("plain" in found) return found.plain;
  const array = arrayFormOf(type);
  if (array === undefined) return base64Of(found.bytes);
  const count = array.count(found.bytes);
  budget.take(count);
  return array.decode(found.bytes, count);
}

/**
 * Writes a value into its place; `before` is the field number before that of place 1. Integers of
 * up to 32 bits go into int_value, as the specification says. @throws PAYLOAD_INVALID
 */
export function writeSingle(
  writer: ProtobufWriter,
  before: number,
  value: PlainValue,
  type: DataType | undefined,
): void {
  const bits = type === undefined ? undefined : (SIGNED_BITS.get(type) ?? UNSIGNED_BITS.get(type));
  if (bits !== undefined) writeInteger(writer, before, toInteger(value, type), bits);
  else if (type === "Float") writer.float(before + 3, toFloat(value));
  else if (type === "Double") writer.double(before + 4, toDouble(value));
  else if (type === "Boolean" || typeof value === "boolean") {
    writer.boolean(before + 5, toBoolean(value));
  } else if (typeof value === "string") writer.string(before + 6, value);
  else if (type === "String" || type === "Text" || type === "UUID") {
    throw invalid(`${JSON.stringify(value)} is not a text`);
  } else if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    writer.uint64(before + 2, value);
  } else writer.double(before + 4, toDouble(value));
}

function writeInteger(writer: ProtobufWriter, before: number, value: bigint, bits: number): void {
  if (bits <= 32) writer.uint64(before + 1, BigInt.asUintN(32, value));
  else writer.uint64(before + 2, BigInt.asUintN(64, value));
}

/** Writes a type's number into `field`, where there is a type; answers it. @throws PAYLOAD_INVALID */
export function writeType(
  writer: ProtobufWriter,
  field: number,
  value: PlainValue | undefined,
): DataType | undefined {
  if (value === undefined) return undefined;
  const number =
    typeof value === "string" || typeof value === "number" ? dataTypeNumber(value) : undefined;
  if (number === undefined || !Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
    throw invalid(`${JSON.stringify(value)} is no data type of Sparkplug B`);
  }
  writer.uint64(field, number);
  return dataTypeOf(number);
}
