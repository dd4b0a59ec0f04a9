/**
 * A metric, and the template that may be its value, whose members are metrics again:
 *
 *     Metric      1 name | 2 alias | 3 timestamp | 4 datatype | 5 is_historical | 6 is_transient
 *                 7 is_null | 8 metadata | 9 properties | 10 to 15 single values | 16 bytes
 *                 17 data set | 18 template
 *     Template    1 version | 2 metrics | 3 parameters | 4 template_ref | 5 is_definition
 *     Parameter   1 name | 2 type | 3 to 8 single values
 */
import type { PlainValue } from "../contract.ts";
import type { ProtobufReader } from "../protobuf-reader.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import { arrayFormOf } from "./arrays.ts";
import { assertNesting, type ValueBudget } from "./budget.ts";
import { readDataSet, writeDataSet } from "./data-set.ts";
import { type DataType, dataTypeOf } from "./data-types.ts";
import { Fields, listOf } from "./fields.ts";
import { readMetaData, writeMetaData } from "./meta-data.ts";
import type { FindDefinition, SparkplugMetric } from "./payload.ts";
import { readPropertySet, writePropertySet } from "./property-set.ts";
import { toBoolean, toBytes, toInteger, toText, wholeOf } from "./scalars.ts";
import { plainOf, readSingle, type WireValue, writeSingle, writeType } from "./wire-value.ts";

/** The field number before that of int_value. */
const BEFORE_VALUE = 9;
const BEFORE_PARAMETER_VALUE = 2;
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
const TEMPLATE_FIELDS = ["version", "templateRef", "definition", "metrics", "parameters"];

export const nobody: FindDefinition = () => undefined;

export function readMetric(
  reader: ProtobufReader,
  depth: number,
  budget: ValueBudget,
  find: FindDefinition,
): SparkplugMetric {
  budget.take(1);
  const draft: { -readonly [Field in keyof SparkplugMetric]?: SparkplugMetric[Field] } = {};
  let found: WireValue | undefined;
  let isNull = false;
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) draft.name = reader.string();
    else if (field === 2) draft.alias = wholeOf(reader.uint64());
    else if (field === 3) draft.timestamp = wholeOf(reader.uint64());
    else if (field === 4) draft.type = dataTypeOf(reader.uint32());
    else if (field === 5) draft.historical = reader.boolean();
    else if (field === 6) draft.transient = reader.boolean();
    else if (field === 7) isNull = reader.boolean();
    else if (field === 8) draft.metadata = readMetaData(reader.message());
    else if (field === 9) draft.properties = readPropertySet(reader.message(), depth + 1, budget);
    else if (field === 16) found = { bytes: reader.bytes() };
    else if (field === 17) found = { plain: readDataSet(reader.message(), budget) };
    else if (field === 18) found = { plain: readTemplate(reader.message(), depth + 1, budget) };
    else found = readSingle(reader, field - BEFORE_VALUE) ?? found;
  }
  const known = find(draft.alias, draft.name);
  const name = draft.name ?? known?.name;
  const type = draft.type ?? known?.type;
  return {
    ...(name !== undefined && { name }),
    ...draft,
    ...(type !== undefined && { type }),
    value: isNull ? null : plainOf(found, type, budget),
  };
}

function readTemplate(reader: ProtobufReader, depth: number, budget: ValueBudget): PlainValue {
  assertNesting(depth);
  const metrics: PlainValue[] = [];
  const parameters: PlainValue[] = [];
  const draft: { [field: string]: PlainValue } = {};
  while (reader.next()) {
    if (reader.field === 1) draft["version"] = reader.string();
    // A template's members have no aliases: the births of the message's sender say nothing of them.
    else if (reader.field === 2) metrics.push(readMetric(reader.message(), depth, budget, nobody));
    else if (reader.field === 3) parameters.push(readParameter(reader.message(), budget));
    else if (reader.field === 4) draft["templateRef"] = reader.string();
    else if (reader.field === 5) draft["definition"] = reader.boolean();
    else reader.skip();
  }
  return { ...draft, metrics, ...(parameters.length > 0 && { parameters }) };
}

function readParameter(reader: ProtobufReader, budget: ValueBudget): PlainValue {
  budget.take(1);
  let name: string | undefined;
  let type: DataType | undefined;
  let found: WireValue | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) type = dataTypeOf(reader.uint32());
    else found = readSingle(reader, reader.field - BEFORE_PARAMETER_VALUE) ?? found;
  }
  return {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    value: plainOf(found, type, budget),
  };
}

export function writeMetric(value: PlainValue, depth: number): ProtobufWriter {
  const fields = new Fields(value, "a metric", METRIC_FIELDS);
  const writer = new ProtobufWriter();
  fields.given("name", (name) => writer.string(1, toText(name)));
  fields.given("alias", (alias) => writer.uint64(2, toInteger(alias, "UInt64")));
  fields.given("timestamp", (time) => writer.uint64(3, toInteger(time, "UInt64")));
  const type = writeType(writer, 4, fields.value("type"));
  fields.given("historical", (flag) => writer.boolean(5, toBoolean(flag)));
  fields.given("transient", (flag) => writer.boolean(6, toBoolean(flag)));
  const content = fields.value("value") ?? null;
  if (content === null) writer.boolean(7, true);
  fields.given("metadata", (metadata) => writer.message(8, writeMetaData(metadata)));
  fields.given("properties", (set) => writer.message(9, writePropertySet(set, depth + 1)));
  if (content === null) return writer;
  const array = arrayFormOf(type);
  if (array !== undefined) writer.bytes(16, array.encode(listOf(content)));
  else if (type === "Bytes" || type === "File") writer.bytes(16, toBytes(content));
  else if (type === "DataSet") writer.message(17, writeDataSet(content));
  else if (type === "Template") writer.message(18, writeTemplate(content, depth + 1));
  else writeSingle(writer, BEFORE_VALUE, content, type);
  return writer;
}

function writeTemplate(value: PlainValue, depth: number): ProtobufWriter {
  assertNesting(depth);
  const fields = new Fields(value, "a template", TEMPLATE_FIELDS);
  const writer = new ProtobufWriter();
  fields.given("version", (version) => writer.string(1, toText(version)));
  for (const metric of listOf(fields.value("metrics")))
    writer.message(2, writeMetric(metric, depth));
  for (const each of listOf(fields.value("parameters") ?? [])) {
    writer.message(3, writeParameter(each));
  }
  fields.given("templateRef", (name) => writer.string(4, toText(name)));
  fields.given("definition", (flag) => writer.boolean(5, toBoolean(flag)));
  return writer;
}

function writeParameter(value: PlainValue): ProtobufWriter {
  const fields = new Fields(value, "a template's parameter", ["name", "type", "value"]);
  const writer = new ProtobufWriter();
  fields.given("name", (name) => writer.string(1, toText(name)));
  const type = writeType(writer, 2, fields.value("type"));
  const content = fields.value("value") ?? null;
  if (content !== null) writeSingle(writer, BEFORE_PARAMETER_VALUE, content, type);
  return writer;
}
