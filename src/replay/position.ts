/**
 * Where a replay begins or ends, as it is written on a command line or in a query:
 *
 *     earliest | latest | latest-100       the log's ends; 100 records before the end
 *     4711                                 an offset
 *     2026-03-01, 2026-03-01T06:30:00Z     a time (ISO 8601; UTC where it names no zone)
 *     1767225600000                        a time in milliseconds since 1970
 *     -2h, -30m, -7d, -45s, -500ms         a time before now
 *
 * A whole number from EPOCH_MS_MIN on is a time, below it an offset.
 */
import { TributaryError } from "../base/errors.ts";
import { type Offset, toOffset } from "../base/offset.ts";
import { parseDurationMs } from "./duration.ts";

export type Position =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest"; readonly recordsBefore: number }
  | { readonly kind: "offset"; readonly offset: Offset }
  | { readonly kind: "time"; readonly timestampMs: number }
  | { readonly kind: "ago"; readonly durationMs: number };

/** 3 March 1973 as a time; as an offset, more records than a gateway will ever hold. */
export const EPOCH_MS_MIN = 100_000_000_000;

const LATEST = /^latest(?:-(\d{1,15}))?$/;
const WHOLE_NUMBER = /^\d{1,15}$/;
const ISO_TIME =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** @throws CONFIG_INVALID, naming `option` */
export function parsePosition(option: string, text: string): Position {
  if (text === "earliest") return { kind: "earliest" };
  const latest = LATEST.exec(text);
  if (latest !== null) return { kind: "latest", recordsBefore: Number(latest[1] ?? 0) };
  if (WHOLE_NUMBER.test(text)) {
    const value = Number(text);
    return value >= EPOCH_MS_MIN
      ? { kind: "time", timestampMs: value }
      : { kind: "offset", offset: toOffset(value) };
  }
  if (text.startsWith("-")) {
    const durationMs = parseDurationMs(text.slice(1));
    if (durationMs !== undefined) return { kind: "ago", durationMs };
  }
  const timestampMs = parseTime(text);
  if (timestampMs !== undefined) return { kind: "time", timestampMs };
  throw new TributaryError(
    "CONFIG_INVALID",
    `${option}: "${text}" is not a place in a log; use earliest, latest, latest-100, an offset, ` +
      "a time such as 2026-03-01T06:30:00Z, milliseconds since 1970, or -2h, -30m, -7d",
  );
}

/** Milliseconds since 1970 of an ISO 8601 time; without a zone it is UTC, on every machine. */
function parseTime(text: string): number | undefined {
  const match = ISO_TIME.exec(text);
  if (match === null) return undefined;
  const iso = text.replace(" ", "T").replace(",", ".");
  const zoned = iso.length > "2026-03-01".length && match[1] === undefined ? `${iso}Z` : iso;
  const timestampMs = Date.parse(zoned);
  return Number.isNaN(timestampMs) ? undefined : timestampMs;
}
