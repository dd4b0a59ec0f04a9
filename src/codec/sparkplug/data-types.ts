/**
 * The data types of Sparkplug B: a metric's `datatype` is a place in this list.
 * Source: Sparkplug 3.0, section 6.4.16, Data Types.
 */
export const DATA_TYPES = [
  "Unknown",
  "Int8",
  "Int16",
  "Int32",
  "Int64",
  "UInt8",
  "UInt16",
  "UInt32",
  "UInt64",
  "Float",
  "Double",
  "Boolean",
  "String",
  "DateTime",
  "Text",
  "UUID",
  "DataSet",
  "Bytes",
  "File",
  "Template",
  "PropertySet",
  "PropertySetList",
  "Int8Array",
  "Int16Array",
  "Int32Array",
  "Int64Array",
  "UInt8Array",
  "UInt16Array",
  "UInt32Array",
  "UInt64Array",
  "FloatArray",
  "DoubleArray",
  "BooleanArray",
  "StringArray",
  "DateTimeArray",
] as const;

export type DataTypeName = (typeof DATA_TYPES)[number];

/** A type's name, or the number itself where a newer specification has given it a meaning. */
export type DataType = DataTypeName | number;

export function dataTypeOf(number: number): DataType {
  return DATA_TYPES[number] ?? number;
}

const NUMBERS: ReadonlyMap<string, number> = new Map(
  DATA_TYPES.map((name, number) => [name, number]),
);

/** Undefined where there is no such type. */
export function dataTypeNumber(type: string | number): number | undefined {
  return typeof type === "number" ? type : NUMBERS.get(type);
}

/** How many bits a signed integer type has; undefined for every other type. */
export const SIGNED_BITS: ReadonlyMap<DataType, number> = new Map<DataType, number>([
  ["Int8", 8],
  ["Int16", 16],
  ["Int32", 32],
  ["Int64", 64],
]);

/** How many bits an unsigned integer type has; a DateTime is milliseconds since 1970. */
export const UNSIGNED_BITS: ReadonlyMap<DataType, number> = new Map<DataType, number>([
  ["UInt8", 8],
  ["UInt16", 16],
  ["UInt32", 32],
  ["UInt64", 64],
  ["DateTime", 64],
]);
