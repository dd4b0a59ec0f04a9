/**
 * From the bytes of a Sparkplug B payload to its plain value. The field numbers are those of
 * `sparkplug_b.proto` (org.eclipse.tahu.protobuf.Payload); unknown fields and extensions are passed
 * over, and where a field that may occur once occurs again the last one counts.
 *
 * Bounded: {@link NESTING_MAX} levels, {@link VALUES_MAX} values; the value holds no view of the bytes.
 */
import type { PlainValue } from "../contract.ts";
import { ProtobufReader } from "../protobuf-reader.ts";
import { arrayFormOf } from "./arrays.ts";
import { type DataType, dataTypeOf } from "./data-types.ts";
import { invalid } from "./invalid.ts";
import {
  type FindDefinition,
  NESTING_MAX,
  type SparkplugMetric,
  type SparkplugPayload,
  VALUES_MAX,
  type Whole,
} from "./payload.ts";
import { base64Of, doubleOf, floatOf, integerOf, wholeOf } from "./scalars.ts";

/**
 * `find` names metrics that come with an alias alone, and tells types that the message leaves out.
 * @throws PAYLOAD_INVALID
 */
export function decodeSparkplug(
  bytes: Uint8Array,
  find: FindDefinition = nobody,
): SparkplugPayload {
  return new SparkplugDecoder(find).payload(new ProtobufReader(bytes));
}

const nobody: FindDefinition = () => undefined;

/** A value as it stood on the wire: what it means depends on the type, which may come after it. */
type WireValue =
  | { readonly integer: number | bigint }
  | { readonly bytes: Buffer }
  | { readonly plain: PlainValue };

/** What is being put together, field by field. */
type Draft<Built> = { -readonly [Field in keyof Built]?: Built[Field] };

class SparkplugDecoder {
  readonly #find: FindDefinition;
  #valuesLeft = VALUES_MAX;

  constructor(find: FindDefinition) {
    this.#find = find;
  }

  payload(reader: ProtobufReader): SparkplugPayload {
    const metrics: SparkplugMetric[] = [];
    const draft: Draft<SparkplugPayload> = {};
    while (reader.next()) {
      if (reader.field === 1) draft.timestamp = wholeOf(reader.uint64());
      else if (reader.field === 2) metrics.push(this.#metric(reader.message(), 0, this.#find));
      else if (reader.field === 3) draft.seq = wholeOf(reader.uint64());
      else if (reader.field === 4) draft.uuid = reader.string();
      else if (reader.field === 5) draft.body = base64Of(reader.bytes());
      else reader.skip();
    }
    return { ...draft, metrics };
  }

  #metric(reader: ProtobufReader, depth: number, find: FindDefinition): SparkplugMetric {
    this.#count(1);
    const draft: Draft<SparkplugMetric> = {};
    let found: WireValue | undefined;
    let isNull = false;
    while (reader.next()) {
      if (reader.field === 1) draft.name = reader.string();
      else if (reader.field === 2) draft.alias = wholeOf(reader.uint64());
      else if (reader.field === 3) draft.timestamp = wholeOf(reader.uint64());
      else if (reader.field === 4) draft.type = dataTypeOf(reader.uint32());
      else if (reader.field === 5) draft.historical = reader.boolean();
      else if (reader.field === 6) draft.transient = reader.boolean();
      else if (reader.field === 7) isNull = reader.boolean();
      else if (reader.field === 8) draft.metadata = metaData(reader.message());
      else if (reader.field === 9)
        draft.properties = this.#propertySet(reader.message(), depth + 1);
      else if (reader.field === 16) found = { bytes: reader.bytes() };
      else if (reader.field === 17) found = { plain: this.#dataSet(reader.message()) };
      else if (reader.field === 18) found = { plain: this.#template(reader.message(), depth + 1) };
      else found = scalar(reader, reader.field - 9) ?? found;
    }
    const known = find(draft.alias, draft.name);
    const name = draft.name ?? known?.name;
    const type = draft.type ?? known?.type;
    return {
      ...(name !== undefined && { name }),
      ...draft,
      ...(type !== undefined && { type }),
      value: isNull ? null : this.#plain(found, type),
    };
  }

  #template(reader: ProtobufReader, depth: number): PlainValue {
    assertNesting(depth);
    const metrics: PlainValue[] = [];
    const parameters: PlainValue[] = [];
    const draft: { [field: string]: PlainValue } = {};
    while (reader.next()) {
      if (reader.field === 1) draft["version"] = reader.string();
      // A template's members have no aliases: the births of the message's sender say nothing of them.
      else if (reader.field === 2) metrics.push(this.#metric(reader.message(), depth, nobody));
      else if (reader.field === 3) parameters.push(this.#parameter(reader.message()));
      else if (reader.field === 4) draft["templateRef"] = reader.string();
      else if (reader.field === 5) draft["definition"] = reader.boolean();
      else reader.skip();
    }
    return { ...draft, metrics, ...(parameters.length > 0 && { parameters }) };
  }

  #parameter(reader: ProtobufReader): PlainValue {
    this.#count(1);
    let name: string | undefined;
    let type: DataType | undefined;
    let found: WireValue | undefined;
    while (reader.next()) {
      if (reader.field === 1) name = reader.string();
      else if (reader.field === 2) type = dataTypeOf(reader.uint32());
      else found = scalar(reader, reader.field - 2) ?? found;
    }
    return {
      ...(name !== undefined && { name }),
      ...(type !== undefined && { type }),
      value: this.#plain(found, type),
    };
  }

  #dataSet(reader: ProtobufReader): PlainValue {
    const columns: string[] = [];
    const types: DataType[] = [];
    const cells: (WireValue | undefined)[][] = [];
    while (reader.next()) {
      if (reader.field === 2) columns.push(reader.string());
      else if (reader.field === 3) this.#dataSetTypes(reader, types);
      else if (reader.field === 4) cells.push(this.#row(reader.message()));
      else reader.skip();
      this.#count(1);
    }
    if (types.length !== columns.length) {
      throw invalid(`a data set has ${columns.length} columns and ${types.length} types`);
    }
    const rows = cells.map((row) => {
      if (row.length === columns.length) return row.map((cell, at) => this.#plain(cell, types[at]));
      throw invalid(`a row of a data set has ${row.length} cells in ${columns.length} columns`);
    });
    return { columns, types, rows };
  }

  /** proto2 writes them one a field; a newer generator may pack them. */
  #dataSetTypes(reader: ProtobufReader, types: DataType[]): void {
    if (!reader.delimited) {
      types.push(dataTypeOf(reader.uint32()));
      return;
    }
    const packed = reader.message();
    while (!packed.atEnd) {
      this.#count(1);
      types.push(dataTypeOf(packed.packedUint32()));
    }
  }

  #row(reader: ProtobufReader): (WireValue | undefined)[] {
    const cells: (WireValue | undefined)[] = [];
    while (reader.next()) {
      if (reader.field !== 1) {
        reader.skip();
        continue;
      }
      this.#count(1);
      const cell = reader.message();
      let found: WireValue | undefined;
      while (cell.next()) found = scalar(cell, cell.field) ?? found;
      cells.push(found);
    }
    return cells;
  }

  #propertySet(reader: ProtobufReader, depth: number): { readonly [key: string]: PlainValue } {
    assertNesting(depth);
    const keys: string[] = [];
    const values: PlainValue[] = [];
    while (reader.next()) {
      if (reader.field === 1) keys.push(reader.string());
      else if (reader.field === 2) values.push(this.#property(reader.message(), depth));
      else reader.skip();
      this.#count(1);
    }
    if (keys.length !== values.length) {
      throw invalid(`a property set has ${keys.length} keys and ${values.length} values`);
    }
    return Object.fromEntries(keys.map((key, at) => [key, values[at] ?? null]));
  }

  #property(reader: ProtobufReader, depth: number): PlainValue {
    let type: DataType | undefined;
    let found: WireValue | undefined;
    let isNull = false;
    while (reader.next()) {
      if (reader.field === 1) type = dataTypeOf(reader.uint32());
      else if (reader.field === 2) isNull = reader.boolean();
      else if (reader.field === 9)
        found = { plain: this.#propertySet(reader.message(), depth + 1) };
      else if (reader.field === 10)
        found = { plain: this.#propertySets(reader.message(), depth + 1) };
      else found = scalar(reader, reader.field - 2) ?? found;
    }
    return {
      ...(type !== undefined && { type }),
      value: isNull ? null : this.#plain(found, type),
    };
  }

  #propertySets(reader: ProtobufReader, depth: number): PlainValue {
    assertNesting(depth);
    const sets: PlainValue[] = [];
    while (reader.next()) {
      if (reader.field === 1) sets.push(this.#propertySet(reader.message(), depth + 1));
      else reader.skip();
      this.#count(1);
    }
    return sets;
  }

  #plain(found: WireValue | undefined, type: DataType | undefined): PlainValue {
    if (found === undefined) return null;
    if ("integer" in found) return integerOf(found.integer, type);
    if ("plain" in found) return found.plain;
    const array = arrayFormOf(type);
    if (array === undefined) return base64Of(found.bytes);
    const count = array.count(found.bytes);
    this.#count(count);
    return array.decode(found.bytes, count);
  }

  #count(values: number): void {
    this.#valuesLeft -= values;
    if (this.#valuesLeft < 0) throw invalid(`it holds more than ${VALUES_MAX} values`);
  }
}

/**
 * The six single values, which stand in the same order in every message that has a value: `place` is
 * 1 for int_value. Passes over any other field.
 */
function scalar(reader: ProtobufReader, place: number): WireValue | undefined {
  if (place === 1) return { integer: reader.uint32() };
  if (place === 2) return { integer: reader.uint64() };
  if (place === 3) return { plain: floatOf(reader.float()) };
  if (place === 4) return { plain: doubleOf(reader.double()) };
  if (place === 5) return { plain: reader.boolean() };
  if (place === 6) return { plain: reader.string() };
  reader.skip();
  return undefined;
}

function metaData(reader: ProtobufReader): { readonly [field: string]: PlainValue } {
  const draft: { [field: string]: boolean | string | Whole } = {};
  while (reader.next()) {
    if (reader.field === 1) draft["multiPart"] = reader.boolean();
    else if (reader.field === 2) draft["contentType"] = reader.string();
    else if (reader.field === 3) draft["size"] = wholeOf(reader.uint64());
    else if (reader.field === 4) draft["seq"] = wholeOf(reader.uint64());
    else if (reader.field === 5) draft["fileName"] = reader.string();
    else if (reader.field === 6) draft["fileType"] = reader.string();
    else if (reader.field === 7) draft["md5"] = reader.string();
    else if (reader.field === 8) draft["description"] = reader.string();
    else reader.skip();
  }
  return draft;
}

function assertNesting(depth: number): void {
  if (depth > NESTING_MAX) throw invalid(`it nests deeper than ${NESTING_MAX} levels`);
}
