/** The three kinds of filter of a replay (key, headers, payload) as one question about a record. */

import { matchesGlob } from "../base/glob.ts";
import { matchesHeader } from "./header-filter.ts";
import { matchesPayload } from "./payload-filter.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayedRecord } from "./replayed-record.ts";

export type RecordFilter = (record: ReplayedRecord) => boolean;

/** What a replay's filters say together, the cheapest asked first; undefined where there are none. */
export function recordFilter({
  keyGlob,
  headers,
  payload,
}: Pick<ReplayOptions, "keyGlob" | "headers" | "payload">): RecordFilter | undefined {
  if (keyGlob === undefined && headers.length === 0 && payload.length === 0) return undefined;
  return (record) =>
    (keyGlob === undefined ||
      (record.key !== null && matchesGlob(keyGlob, record.key.toString("utf8")))) &&
    headers.every((filter) => matchesHeader(filter, record.headers)) &&
    (payload.length === 0 ||
      (record.payload.error === undefined &&
        payload.every((filter) => matchesPayload(filter, record.payload.value))));
}
