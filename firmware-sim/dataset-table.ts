import { createReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import { chooseColumns, type DatasetColumns, parseTimeMs, type Row } from "./dataset-columns.ts";
import { DatasetError } from "./dataset-error.ts";

/** A row that can be sent: its own time, who said it, and all its cells. */
export interface DatasetRow {
  readonly tsMs: number;
  readonly device: string | undefined;
  readonly cells: Row;
}

/**
 * Reads a CSV file row by row, however large. A row that cannot be used (too many or too few cells,
 * no time, no device, broken quotes) is counted, the first few are remembered, and reading goes on.
 */
export class DatasetTable {
  badRowCount = 0;
  readonly badRows: string[] = [];
  readonly #path: string;
  readonly #asked: { time: string | undefined; device: string | undefined };

  constructor(path: string, asked: { time: string | undefined; device: string | undefined }) {
    this.#path = path;
    this.#asked = asked;
    try {
      if (!statSync(path).isFile()) throw new Error("it is not a file");
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const why = missing ? "there is no such file" : (error as Error).message;
      throw new DatasetError(`--dataset: cannot read "${path}": ${why}`);
    }
  }

  async *rows(): AsyncGenerator<DatasetRow> {
    const parser = pipeline(
      createReadStream(this.#path),
      parse({
        columns: true,
        bom: true,
        info: true,
        trim: true,
        skip_empty_lines: true,
        skip_records_with_error: true,
        max_record_size: RECORD_BYTES_MAX,
        on_skip: (error) => {
          this.#refuse(error?.message ?? "unreadable");
          return undefined;
        },
      }),
      // The loop below meets the error: a pipeline hands it on to its last stream.
      () => {},
    );
    let columns: DatasetColumns | undefined;
    let rowCount = 0;
    try {
      for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
        columns ??= chooseColumns(record, this.#asked);
        const row = readRow(record, columns);
        if (typeof row === "string") this.#refuse(`line ${info.lines}: ${row}`);
        else {
          rowCount++;
          yield row;
        }
      }
    } finally {
      parser.destroy();
    }
    if (rowCount === 0) {
      throw new DatasetError(
        `"${this.#path}" has no usable row` +
          (this.badRowCount > 0 ? ` and ${this.badRowCount} bad ones (${this.badRows[0]})` : ""),
      );
    }
  }

  #refuse(reason: string): void {
    this.badRowCount++;
    if (this.badRows.length < BAD_ROWS_SHOWN_MAX) this.badRows.push(reason);
  }
}

interface ParsedRow {
  readonly record: Row;
  readonly info: { readonly lines: number };
}

function readRow(record: Row, columns: DatasetColumns): DatasetRow | string {
  const tsMs = parseTimeMs(record[columns.time]);
  if (tsMs === undefined) return `"${record[columns.time]}" in column ${columns.time} is no time`;
  const device = columns.device === undefined ? undefined : record[columns.device];
  if (device === "") return `column ${columns.device} is empty`;
  return { tsMs, device, cells: record };
}

const RECORD_BYTES_MAX = 1_048_576;
const BAD_ROWS_SHOWN_MAX = 5;
