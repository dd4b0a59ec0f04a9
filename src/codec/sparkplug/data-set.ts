/**
 * A table of values (Payload.DataSet):
 *
 *     1 num_of_columns | 2 columns, a text each | 3 types, a number each | 4 rows, each of
 *     1 elements, each a single value
 *
 * A table whose columns, types and cells do not agree is refused: shown, it would lie.
 */
import type { PlainValue } from "../contract.ts";
import type { ProtobufReader } from "../protobuf-reader.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import type { ValueBudget } from "./budget.ts";
import { type DataType, dataTypeOf } from "./data-types.ts";
import { Fields, listOf } from "./fields.ts";
import { invalid } from "./invalid.ts";
import { toText } from "./scalars.ts";
import { plainOf, readSingle, type WireValue, writeSingle, writeType } from "./wire-value.ts";

type Cell = WireValue | undefined;

export function readDataSet(reader: ProtobufReader, budget: ValueBudget): PlainValue {
  const columns: string[] = [];
  const types: DataType[] = [];
  const cells: Cell[][] = [];
  while (reader.next()) {
    if (reader.field === 2) columns.push(reader.string());
    else if (reader.field === 3) readTypes(reader, types, budget);
    else if (reader.field === 4) cells.push(readRow(reader.message(), budget));
    else reader.skip();
    budget.take(1);
  }
  if (types.length !== columns.length) {
    throw invalid(`a data set has ${columns.length} columns and ${types.length} types`);
  }
  const rows = cells.map((row) => {
    if (row.length === columns.length)
      return row.map((cell, at) => plainOf(cell, types[at], budget));
    throw invalid(`a row of a data set has ${row.length} cells in ${columns.length} columns`);
  });
  return { columns, types, rows };
}

/** proto2 writes them one a field; a newer generator may pack them. */
function readTypes(reader: ProtobufReader, types: DataType[], budget: ValueBudget): void {
  if (!reader.delimited) {
    types.push(dataTypeOf(reader.uint32()));
    return;
  }
  const packed = reader.message();
  while (!packed.atEnd) {
    budget.take(1);
    types.push(dataTypeOf(packed.packedUint32()));
  }
}

function readRow(reader: ProtobufReader, budget: ValueBudget): Cell[] {
  const cells: Cell[] = [];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    budget.take(1);
    const cell = reader.message();
    let found: Cell;
    while (cell.next()) found = readSingle(cell, cell.field) ?? found;
    cells.push(found);
  }
  return cells;
}

export function writeDataSet(value: PlainValue): ProtobufWriter {
  const fields = new Fields(value, "a data set", ["columns", "types", "rows"]);
  const columns = listOf(fields.value("columns")).map(toText);
  const writer = new ProtobufWriter().uint64(1, columns.length);
  for (const column of columns) writer.string(2, column);
  const types = listOf(fields.value("types")).map((type) => writeType(writer, 3, type));
  if (types.length !== columns.length) throw invalid("a data set needs a type for each column");
  for (const row of listOf(fields.value("rows"))) writer.message(4, writeRow(listOf(row), types));
  return writer;
}

function writeRow(
  cells: readonly PlainValue[],
  types: readonly (DataType | undefined)[],
): ProtobufWriter {
  if (cells.length !== types.length)
    throw invalid("a row of a data set needs a cell for each column");
  const row = new ProtobufWriter();
  for (const [at, value] of cells.entries()) {
    const cell = new ProtobufWriter();
    if (value !== null) writeSingle(cell, 0, value, types[at]);
    row.message(1, cell);
  }
  return row;
}
