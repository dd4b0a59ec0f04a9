/**
 * What is said of a metric beside its value (Payload.PropertySet), as an object of properties:
 *
 *     PropertySet       1 keys, a text each | 2 values, as many
 *     PropertyValue     1 type | 2 is_null | 3 to 8 single values | 9 PropertySet | 10 PropertySetList
 *     PropertySetList   1 property sets
 */
import type { PlainValue } from "../contract.ts";
import type { ProtobufReader } from "../protobuf-reader.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import { assertNesting, type ValueBudget } from "./budget.ts";
import { type DataType, dataTypeOf } from "./data-types.ts";
import { Fields, listOf } from "./fields.ts";
import { invalid } from "./invalid.ts";
import { plainOf, readSingle, type WireValue, writeSingle, writeType } from "./wire-value.ts";

/** The field number before that of int_value. */
const BEFORE_VALUE = 2;

export type Properties = { readonly [key: string]: PlainValue };

export function readPropertySet(
  reader: ProtobufReader,
  depth: number,
  budget: ValueBudget,
): Properties {
  assertNesting(depth);
  const keys: string[] = [];
  const values: PlainValue[] = [];
  while (reader.next()) {
    if (reader.field === 1) keys.push(reader.string());
    else if (reader.field === 2) values.push(readProperty(reader.message(), depth, budget));
    else reader.skip();
    budget.take(1);
  }
  if (keys.length !== values.length) {
    throw invalid(`a property set has ${keys.length} keys and ${values.length} values`);
  }
  return Object.fromEntries(keys.map((key, at) => [key, values[at] ?? null]));
}

function readProperty(reader: ProtobufReader, depth: number, budget: ValueBudget): PlainValue {
  let type: DataType | undefined;
  let found: WireValue | undefined;
  let isNull = false;
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) type = dataTypeOf(reader.uint32());
    else if (field === 2) isNull = reader.boolean();
    else if (field === 9) found = { plain: readPropertySet(reader.message(), depth + 1, budget) };
    else if (field === 10) found = { plain: readPropertySets(reader.message(), depth + 1, budget) };
    else found = readSingle(reader, field - BEFORE_VALUE) ?? found;
  }
  return {
    ...(type !== undefined && { type }),
    value: isNull ? null : plainOf(found, type, budget),
  };
}

function readPropertySets(reader: ProtobufReader, depth: number, budget: ValueBudget): PlainValue {
  assertNesting(depth);
  const sets: PlainValue[] = [];
  while (reader.next()) {
    if (reader.field === 1) sets.push(readPropertySet(reader.message(), depth + 1, budget));
    else reader.skip();
    budget.take(1);
  }
  return sets;
}

export function writePropertySet(value: PlainValue, depth: number): ProtobufWriter {
  assertNesting(depth);
  const writer = new ProtobufWriter();
  for (const [key, property] of new Fields(value, "a property set").entries()) {
    writer.string(1, key).message(2, writeProperty(property, depth));
  }
  return writer;
}

function writeProperty(value: PlainValue, depth: number): ProtobufWriter {
  const fields = new Fields(value, "a property", ["type", "value"]);
  const writer = new ProtobufWriter();
  const type = writeType(writer, 1, fields.value("type"));
  const content = fields.value("value") ?? null;
  if (content === null) return writer.boolean(2, true);
  if (type === "PropertySet") return writer.message(9, writePropertySet(content, depth + 1));
  if (type === "PropertySetList") return writer.message(10, writePropertySets(content, depth + 1));
  writeSingle(writer, BEFORE_VALUE, content, type);
  return writer;
}

function writePropertySets(value: PlainValue, depth: number): ProtobufWriter {
  assertNesting(depth);
  const writer = new ProtobufWriter();
  for (const set of listOf(value)) writer.message(1, writePropertySet(set, depth + 1));
  return writer;
}
