/**
 * The array types of Sparkplug B, which stand packed in a metric's bytes, little endian:
 *
 *     Int8Array ... DoubleArray, DateTimeArray   element, element, ...
 *     BooleanArray   count u32 | bits, eight a byte, the first in the highest
 *     StringArray    text, a zero byte, text, a zero byte, ...
 *
 * Source: Sparkplug 3.0, section 6.4.17, Datatype Details.
 */
import type { PlainValue } from "../contract.ts";
import { textOf } from "../text.ts";
import type { DataType, DataTypeName } from "./data-types.ts";
import { invalid } from "./invalid.ts";
import {
  doubleOf,
  floatOf,
  toBoolean,
  toDouble,
  toFloat,
  toInteger,
  toText,
  wholeOf,
} from "./scalars.ts";

/** One array type. `count` and `decode` refuse bytes that are no such array. */
interface ArrayForm {
  /** How many elements there are, found before any of them is made. */
  count(bytes: Buffer): number;
  decode(bytes: Buffer, count: number): PlainValue[];
  encode(values: readonly PlainValue[]): Buffer;
}

export function arrayFormOf(type: DataType | undefined): ArrayForm | undefined {
  return type === undefined ? undefined : FORMS.get(type);
}

type Read = (bytes: Buffer, at: number) => PlainValue;
type Write = (bytes: Buffer, value: PlainValue, at: number) => void;

function fixedWidth(elementBytes: number, read: Read, write: Write): ArrayForm {
  return {
    count(bytes) {
      if (bytes.length % elementBytes === 0) return bytes.length / elementBytes;
      throw invalid(`an array of ${elementBytes}-byte elements has ${bytes.length} bytes`);
    },
    decode: (bytes, count) =>
      Array.from({ length: count }, (_, index) => read(bytes, index * elementBytes)),
    encode(values) {
      const bytes = Buffer.alloc(values.length * elementBytes);
      for (const [index, value] of values.entries()) write(bytes, value, index * elementBytes);
      return bytes;
    },
  };
}

function integers(
  elementBytes: number,
  type: DataTypeName,
  read: (bytes: Buffer, at: number) => number | bigint,
): ArrayForm {
  const bits = 8 * elementBytes;
  return fixedWidth(
    elementBytes,
    (bytes, at) => wholeOf(read(bytes, at)),
    (bytes, value, at) => {
      let rest = BigInt.asUintN(bits, toInteger(value, type));
      for (let byte = 0; byte < elementBytes; byte += 1) {
        bytes[at + byte] = Number(rest & 0xffn);
        rest >>= 8n;
      }
    },
  );
}

const COUNT_BYTES = 4;

const booleans: ArrayForm = {
  count(bytes) {
    const count = bytes.length < COUNT_BYTES ? 0 : bytes.readUInt32LE(0);
    if (bytes.length === COUNT_BYTES + Math.ceil(count / 8)) return count;
    throw invalid(`an array of ${count} booleans has ${bytes.length} bytes`);
  },
  decode: (bytes, count) =>
    Array.from({ length: count }, (_, index) => {
      const byte = bytes[COUNT_BYTES + (index >> 3)] as number;
      return ((byte >> (7 - (index & 7))) & 1) === 1;
    }),
  encode(values) {
    const bytes = Buffer.alloc(COUNT_BYTES + Math.ceil(values.length / 8));
    bytes.writeUInt32LE(values.length);
    for (const [index, value] of values.entries()) {
      const at = COUNT_BYTES + (index >> 3);
      if (toBoolean(value)) bytes[at] = (bytes[at] as number) | (0x80 >> (index & 7));
    }
    return bytes;
  },
};

const strings: ArrayForm = {
  count(bytes) {
    if (bytes.length > 0 && bytes[bytes.length - 1] !== 0) {
      throw invalid("the last text of a StringArray does not end with a zero byte");
    }
    let count = 0;
    for (const byte of bytes) if (byte === 0) count += 1;
    return count;
  },
  decode(bytes, count) {
    const text = textOf(bytes);
    if (text === undefined) throw invalid("a StringArray is not UTF-8");
    return text.split("\0", count);
  },
  encode(values) {
    const texts = values.map(toText);
    const zero = texts.find((text) => text.includes("\0"));
    if (zero !== undefined) throw invalid("a text in a StringArray holds a zero byte");
    return Buffer.from(texts.map((text) => `${text}\0`).join(""), "utf8");
  },
};

const FORMS: ReadonlyMap<DataType, ArrayForm> = new Map<DataType, ArrayForm>([
  ["Int8Array", integers(1, "Int8", (bytes, at) => bytes.readInt8(at))],
  ["Int16Array", integers(2, "Int16", (bytes, at) => bytes.readInt16LE(at))],
  ["Int32Array", integers(4, "Int32", (bytes, at) => bytes.readInt32LE(at))],
  ["Int64Array", integers(8, "Int64", (bytes, at) => bytes.readBigInt64LE(at))],
  ["UInt8Array", integers(1, "UInt8", (bytes, at) => bytes.readUInt8(at))],
  ["UInt16Array", integers(2, "UInt16", (bytes, at) => bytes.readUInt16LE(at))],
  ["UInt32Array", integers(4, "UInt32", (bytes, at) => bytes.readUInt32LE(at))],
  ["UInt64Array", integers(8, "UInt64", (bytes, at) => bytes.readBigUInt64LE(at))],
  [
    "FloatArray",
    fixedWidth(
      4,
      (bytes, at) => floatOf(bytes.readFloatLE(at)),
      (bytes, value, at) => bytes.writeFloatLE(toFloat(value), at),
    ),
  ],
  [
    "DoubleArray",
    fixedWidth(
      8,
      (bytes, at) => doubleOf(bytes.readDoubleLE(at)),
      (bytes, value, at) => bytes.writeDoubleLE(toDouble(value), at),
    ),
  ],
  ["BooleanArray", booleans],
  ["StringArray", strings],
  ["DateTimeArray", integers(8, "DateTime", (bytes, at) => bytes.readBigUInt64LE(at))],
]);
