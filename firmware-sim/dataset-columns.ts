import { DatasetError } from "./dataset-error.ts";

/** Which columns of a table mean what, chosen once from its header and first row. */
export interface DatasetColumns {
  readonly time: string;
  /** Undefined: the whole table is one device. */
  readonly device: string | undefined;
}

export type Row = Readonly<Record<string, string>>;

/** Finds the time column by name, then by content; holds both against the header. */
export function chooseColumns(
  first: Row,
  asked: { time: string | undefined; device: string | undefined },
): DatasetColumns {
  const names = Object.keys(first);
  for (const [option, name] of [
    ["--time-column", asked.time],
    ["--device-column", asked.device],
  ] as const) {
    if (name !== undefined && !names.includes(name)) {
      throw new DatasetError(`${option}: no column "${name}"; there are ${names.join(", ")}`);
    }
  }
  const time =
    asked.time ??
    names.find((name) => TIME_NAMES.test(name) && parseTimeMs(first[name]) !== undefined) ??
    names.find((name) => looksLikeDate(first[name]));
  if (time === undefined) {
    throw new DatasetError(
      `no column looks like a time among ${names.join(", ")}; name it with --time-column`,
    );
  }
  return { time, device: asked.device };
}

/**
 * Milliseconds since 1970 of a cell: ISO 8601 (a local time is taken for UTC, so that a table means
 * the same everywhere), what Date.parse knows besides, or a number of seconds or milliseconds.
 */
export function parseTimeMs(cell: string | undefined): number | undefined {
  const text = cell?.trim() ?? "";
  if (text === "") return undefined;
  if (/^-?\d+(\.\d+)?$/.test(text)) {
    const value = Number(text);
    if (/^\d{4}$/.test(text)) return Date.UTC(value, 0);
    return Math.abs(value) < SECONDS_MAX ? Math.round(value * 1_000) : Math.round(value);
  }
  const zoned = /(?:z|gmt|utc|[+-]\d{2}:?\d{2})$/i.test(text) && /:/.test(text);
  const parsed = Date.parse(zoned || /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : `${text} UTC`);
  const fallback = Number.isNaN(parsed) ? Date.parse(zoned ? text : `${text}Z`) : parsed;
  return Number.isNaN(fallback) ? undefined : fallback;
}

/** A cell as a payload holds it: a number where it reads as one, null where it is empty. */
export function cellValue(cell: string): number | string | null {
  if (cell === "") return null;
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell;
}

/** A bare number is no date by its looks, or every first column of measurements would be one. */
function looksLikeDate(cell: string | undefined): boolean {
  return (
    cell !== undefined && /[-/: ]/.test(cell) && /\d/.test(cell) && parseTimeMs(cell) !== undefined
  );
}

const TIME_NAMES = /^(ts|time|timestamp|date|datetime|date_?time|year|month)$/i;
/** Smaller numbers count seconds: 1e11 s is the year 5138, 1e11 ms is 1973. */
const SECONDS_MAX = 1e11;
