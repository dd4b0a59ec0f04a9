/**
 * From a plain value to the bytes of a Sparkplug B payload: the counterpart of `decode.ts`, in whose
 * shape the value must be. Integers of up to 32 bits go into int_value, as the specification says.
 */
import type { PlainValue } from "../contract.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import { arrayFormOf } from "./arrays.ts";
import {
  type DataType,
  dataTypeNumber,
  dataTypeOf,
  SIGNED_BITS,
  UNSIGNED_BITS,
} from "./data-types.ts";
import { Fields, listOf } from "./fields.ts";
import { invalid } from "./invalid.ts";
import { NESTING_MAX } from "./payload.ts";
import { toBoolean, toBytes, toDouble, toFloat, toInteger, toText } from "./scalars.ts";

/** @throws PAYLOAD_INVALID where `value` is not what `decodeSparkplug` could have answered */
export function encodeSparkplug(value: PlainValue): Buffer {
  const fields = new Fields(value, "a payload", ["timestamp", "seq", "uuid", "body", "metrics"]);
  const writer = new ProtobufWriter();
  fields.given("timestamp", (time) => writer.uint64(1, toInteger(time, "UInt64")));
  for (const metric of listOf(fields.value("metrics"))) writer.message(2, metricOf(metric, 0));
  fields.given("seq", (seq) => writer.uint64(3, toInteger(seq, "UInt64")));
  fields.given("uuid", (uuid) => writer.string(4, toText(uuid)));
  fields.given("body", (body) => writer.bytes(5, toBytes(body)));
  return writer.finish();
}

const METRIC_FIELDS = [
  "name",
  "alias",
  "timestamp",
  "type",
  "historical",
  "transient",
  "metadata",
  "properties",
  "value",
];

function metricOf(value: PlainValue, depth: number): ProtobufWriter {
  const fields = new Fields(value, "a metric", METRIC_FIELDS);
  const writer = new ProtobufWriter();
  fields.given("name", (name) => writer.string(1, toText(name)));
  fields.given("alias", (alias) => writer.uint64(2, toInteger(alias, "UInt64")));
  fields.given("timestamp", (time) => writer.uint64(3, toInteger(time, "UInt64")));
  const type = typeOf(fields.value("type"));
  if (type !== undefined) writer.uint64(4, dataTypeNumber(type) as number);
  fields.given("historical", (flag) => writer.boolean(5, toBoolean(flag)));
  fields.given("transient", (flag) => writer.boolean(6, toBoolean(flag)));
  const content = fields.value("value") ?? null;
  if (content === null) writer.boolean(7, true);
  fields.given("metadata", (metadata) => writer.message(8, metaDataOf(metadata)));
  fields.given("properties", (set) => writer.message(9, propertySetOf(set, depth + 1)));
  if (content === null) return writer;
  const array = arrayFormOf(type);
  if (array !== undefined) writer.bytes(16, array.encode(listOf(content)));
  else if (type === "Bytes" || type === "File") writer.bytes(16, toBytes(content));
  else if (type === "DataSet") writer.message(17, dataSetOf(content));
  else if (type === "Template") writer.message(18, templateOf(content, depth + 1));
  else scalar(writer, 9, content, type);
  return writer;
}

function templateOf(value: PlainValue, depth: number): ProtobufWriter {
  assertNesting(depth);
  const names = ["version", "templateRef", "definition", "metrics", "parameters"];
  const fields = new Fields(value, "a template", names);
  const writer = new ProtobufWriter();
  fields.given("version", (version) => writer.string(1, toText(version)));
  for (const metric of listOf(fields.value("metrics"))) writer.message(2, metricOf(metric, depth));
  for (const each of listOf(fields.value("parameters") ?? [])) writer.message(3, parameterOf(each));
  fields.given("templateRef", (name) => writer.string(4, toText(name)));
  fields.given("definition", (flag) => writer.boolean(5, toBoolean(flag)));
  return writer;
}

function parameterOf(value: PlainValue): ProtobufWriter {
  const fields = new Fields(value, "a template's parameter", ["name", "type", "value"]);
  const writer = new ProtobufWriter();
  fields.given("name", (name) => writer.string(1, toText(name)));
  const type = typeOf(fields.value("type"));
  if (type !== undefined) writer.uint64(2, dataTypeNumber(type) as number);
  const content = fields.value("value") ?? null;
  if (content !== null) scalar(writer, 2, content, type);
  return writer;
}

function dataSetOf(value: PlainValue): ProtobufWriter {
  const fields = new Fields(value, "a data set", ["columns", "types", "rows"]);
  const columns = listOf(fields.value("columns")).map(toText);
  const types = listOf(fields.value("types")).map((type) => typeOf(type) ?? "Unknown");
  if (types.length !== columns.length) throw invalid("a data set needs a type for each column");
  const writer = new ProtobufWriter().uint64(1, columns.length);
  for (const column of columns) writer.string(2, column);
  for (const type of types) writer.uint64(3, dataTypeNumber(type) as number);
  for (const each of listOf(fields.value("rows"))) {
    const cells = listOf(each);
    if (cells.length !== columns.length) throw invalid("a row of a data set has a cell a column");
    const row = new ProtobufWriter();
    for (const [at, content] of cells.entries()) {
      const cell = new ProtobufWriter();
      if (content !== null) scalar(cell, 0, content, types[at]);
      row.message(1, cell);
    }
    writer.message(4, row);
  }
  return writer;
}

function propertySetOf(value: PlainValue, depth: number): ProtobufWriter {
  assertNesting(depth);
  const writer = new ProtobufWriter();
  for (const [key, property] of new Fields(value, "a property set").entries()) {
    writer.string(1, key).message(2, propertyOf(property, depth));
  }
  return writer;
}

function propertyOf(value: PlainValue, depth: number): ProtobufWriter {
  const fields = new Fields(value, "a property", ["type", "value"]);
  const writer = new ProtobufWriter();
  const type = typeOf(fields.value("type"));
  if (type !== undefined) writer.uint64(1, dataTypeNumber(type) as number);
  const content = fields.value("value") ?? null;
  if (content === null) return writer.boolean(2, true);
  if (type === "PropertySet") return writer.message(9, propertySetOf(content, depth + 1));
  if (type === "PropertySetList") {
    assertNesting(depth + 1);
    const list = new ProtobufWriter();
    for (const set of listOf(content)) list.message(1, propertySetOf(set, depth + 2));
    return writer.message(10, list);
  }
  scalar(writer, 2, content, type);
  return writer;
}

/** Writes a single value; `before` is the field number before the message's int_value. */
function scalar(
  writer: ProtobufWriter,
  before: number,
  value: PlainValue,
  type: DataType | undefined,
): void {
  const bits = (type && (SIGNED_BITS.get(type) ?? UNSIGNED_BITS.get(type))) || undefined;
  if (bits !== undefined) integer(writer, before, toInteger(value, type), bits);
  else if (type === "Float") writer.float(before + 3, toFloat(value));
  else if (type === "Double") writer.double(before + 4, toDouble(value));
  else if (type === "Boolean" || typeof value === "boolean") {
    writer.boolean(before + 5, toBoolean(value));
  } else if (typeof value === "string") writer.string(before + 6, value);
  else if (isText(type)) throw invalid(`${JSON.stringify(value)} is not a text`);
  else if (Number.isSafeInteger(value) && (value as number) >= 0) {
    writer.uint64(before + 2, value as number);
  } else writer.double(before + 4, toDouble(value));
}

function integer(writer: ProtobufWriter, before: number, value: bigint, bits: number): void {
  if (bits <= 32) writer.uint64(before + 1, BigInt.asUintN(32, value));
  else writer.uint64(before + 2, BigInt.asUintN(64, value));
}

function isText(type: DataType | undefined): boolean {
  return type === "String" || type === "Text" || type === "UUID";
}

const META_DATA_FIELDS = [
  "multiPart",
  "contentType",
  "size",
  "seq",
  "fileName",
  "fileType",
  "md5",
  "description",
];

function metaDataOf(value: PlainValue): ProtobufWriter {
  const fields = new Fields(value, "metadata", META_DATA_FIELDS);
  const writer = new ProtobufWriter();
  for (const [index, name] of META_DATA_FIELDS.entries()) {
    fields.given(name, (content) => {
      if (name === "multiPart") writer.boolean(index + 1, toBoolean(content));
      else if (name === "size" || name === "seq") {
        writer.uint64(index + 1, toInteger(content, "UInt64"));
      } else writer.string(index + 1, toText(content));
    });
  }
  return writer;
}

function typeOf(value: PlainValue | undefined): DataType | undefined {
  if (value === undefined) return undefined;
  const number =
    typeof value === "string" || typeof value === "number" ? dataTypeNumber(value) : undefined;
  if (number !== undefined && Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff) {
    return dataTypeOf(number);
  }
  throw invalid(`${JSON.stringify(value)} is no data type of Sparkplug B`);
}

function assertNesting(depth: number): void {
  if (depth > NESTING_MAX) throw invalid(`it nests deeper than ${NESTING_MAX} levels`);
}
