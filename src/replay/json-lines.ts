/**
 * One record as one line of JSON:
 *
 *     {"topic":"telemetry","partition":0,"offset":17,"timestamp":"2026-03-01T06:30:00.000Z",
 *      "timestampMs":1772346600000,"key":"plant/3","headers":{"qos":"1"},"value":{"temp":21.5}}
 *
 * A key that is not UTF-8 stands in base64, and `"keyEncoding":"base64"` after it. A header's value
 * is text, null, or `{"base64": "..."}`; a name that occurs more than once has an array of them.
 * `valueError` says why the payload could not be decoded. Without a timestamp both are null.
 */
import type { PlainValue } from "../codec/contract.ts";
import { rawCodec } from "../codec/raw.ts";
import { textOf } from "../codec/text.ts";
import type { DecodedHeader } from "../wire/records.ts";
import type { ReplayedRecord } from "./replayed-record.ts";

/** The largest time that a Date can hold, in milliseconds since 1970. */
const DATE_MS_MAX = 8.64e15;

/** The line, with the newline that ends it. */
export function jsonLine(record: ReplayedRecord): string {
  const { topic, partition, offset, timestampMs, key, headers, payload } = record;
  const keyText = key === null ? null : textOf(key);
  const line = {
    topic,
    partition,
    offset,
    timestamp: isoTime(timestampMs),
    timestampMs: timestampMs < 0 ? null : timestampMs,
    key: keyText === undefined ? key?.toString("base64") : keyText,
    ...(keyText === undefined && { keyEncoding: "base64" }),
    headers: headersObject(headers),
    value: payload.value,
    ...(payload.error !== undefined && { valueError: payload.error }),
  };
  return `${JSON.stringify(line)}\n`;
}

function isoTime(timestampMs: number): string | null {
  if (timestampMs < 0 || timestampMs > DATE_MS_MAX) return null;
  return new Date(timestampMs).toISOString();
}

const NO_HEADERS = {};

function headersObject(headers: readonly DecodedHeader[]): Readonly<Record<string, PlainValue>> {
  if (headers.length === 0) return NO_HEADERS;
  const values = new Map<string, PlainValue[]>();
  for (const { key, value } of headers) {
    const plain = value === null ? null : rawCodec.decode(value);
    const earlier = values.get(key);
    if (earlier === undefined) values.set(key, [plain]);
    else earlier.push(plain);
  }
  const entries = Array.from(values, ([name, all]) => {
    const [only = null] = all;
    return [name, all.length === 1 ? only : all] as const;
  });
  return Object.fromEntries(entries);
}
