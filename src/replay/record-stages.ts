/**
 * What a replay does to the records between reading and handing over: each stage takes groups of
 * records and gives groups on, none of them empty. A group is what is due at the same time.
 */
import type { Clock } from "../base/clock.ts";
import type { RecordFilter } from "./filter.ts";
import type { RecordGroups } from "./merge.ts";
import { type PaceOptions, Pacer } from "./pace.ts";
import type { ReplayedRecord } from "./replayed-record.ts";

/** Resolves after `durationMs`, or rejects when the signal aborts. */
export type Sleep = (durationMs: number, signal: AbortSignal) => Promise<unknown>;

/** Only what the filter says yes to. */
export async function* filtered(groups: RecordGroups, filter: RecordFilter): RecordGroups {
  for await (const group of groups) {
    const wanted = group.filter(filter);
    if (wanted.length > 0) yield wanted;
  }
}

/** Each record when its timestamp makes it due; ends when the signal aborts a wait. */
export async function* atPace(
  groups: RecordGroups,
  options: PaceOptions,
  signal: AbortSignal,
  { clock, sleep }: { readonly clock: Clock; readonly sleep: Sleep },
): RecordGroups {
  const pacer = new Pacer(clock, options);
  for await (const group of groups) {
    let due: ReplayedRecord[] = [];
    for (const record of group) {
      const waitMs = pacer.waitMs(record.timestampMs);
      if (waitMs > 0) {
        if (due.length > 0) yield due;
        due = [];
        try {
          await sleep(waitMs, signal);
        } catch (error) {
          if (signal.aborted) return;
          throw error;
        }
      }
      due.push(record);
    }
    if (due.length > 0) yield due;
  }
}

/** The first `countMax` records, and then the end. */
export async function* limited(groups: RecordGroups, countMax: number): RecordGroups {
  let left = countMax;
  for await (const group of groups) {
    yield group.length > left ? group.slice(0, left) : group;
    left -= group.length;
    if (left <= 0) return;
  }
}

/** The records one by one. */
export async function* ungrouped(
  groups: RecordGroups,
): AsyncGenerator<ReplayedRecord, void, undefined> {
  for await (const group of groups) yield* group;
}
