/**
 * Turns the two ends of a replay into offsets of one partition and bounds on timestamps.
 *
 * The end of a partition is its last stable offset here: what an open transaction holds back is not
 * there yet.
 *
 * A time as the beginning: reading starts at the first record at or after it (all before it are
 * earlier), and records with an earlier timestamp that follow are left out. A time as the end:
 * reading goes on to the end, for a device whose clock is behind may have written an earlier
 * timestamp at any place; records at or after it are left out. An offset as the end is the cheap
 * way to stop.
 */
import { type Offset, toOffset } from "../base/offset.ts";
import type { Log, Partition } from "../log/contract.ts";
import type { Position } from "./position.ts";

export interface ReplayRange {
  /** The first offset to read. */
  readonly start: Offset;
  /** The first offset not to read; undefined: follows the partition's end. */
  readonly end: Offset | undefined;
  /** Records below this timestamp (ms since 1970) are left out. */
  readonly timestampMsMin: number;
  /** Records at or above this timestamp are left out. */
  readonly timestampMsEnd: number;
}

export interface ReplayBounds {
  readonly from: Position;
  readonly to: Position | undefined;
  readonly follow: boolean;
}

/**
 * The range of one partition at `nowMs`. An offset below the log start begins at the log start; one
 * above the high watermark begins there, with nothing to read yet.
 */
export async function resolveRange(
  log: Log,
  partition: Partition,
  { from, to, follow }: ReplayBounds,
  nowMs: number,
): Promise<ReplayRange> {
  // Both are read before anything is awaited: what arrives meanwhile is after the end.
  const { highWatermark, lastStableOffset: stable } = partition;
  const timestampMsMin = timeOf(from, nowMs) ?? Number.NEGATIVE_INFINITY;
  const timestampMsEnd = (to && timeOf(to, nowMs)) ?? Number.POSITIVE_INFINITY;
  const end = follow ? undefined : clamp(partition, stable, offsetOf(to, stable));
  const start =
    timestampMsMin === Number.NEGATIVE_INFINITY
      ? clamp(partition, highWatermark, offsetOf(from, stable))
      : ((await log.offsetForTime(partition, timestampMsMin))?.offset ?? highWatermark);
  return { start, end, timestampMsMin, timestampMsEnd };
}

/** Milliseconds since 1970, where the position is a time. */
function timeOf(position: Position, nowMs: number): number | undefined {
  if (position.kind === "time") return position.timestampMs;
  return position.kind === "ago" ? nowMs - position.durationMs : undefined;
}

function offsetOf(position: Position | undefined, stable: Offset): number {
  switch (position?.kind) {
    case "earliest":
      return 0;
    case "offset":
      return position.offset;
    case "latest":
      return stable - position.recordsBefore;
    case "time":
    case "ago":
    case undefined:
      break;
  }
  return stable;
}

function clamp(partition: Partition, end: Offset, offset: number): Offset {
  return toOffset(Math.min(Math.max(offset, partition.logStartOffset), end));
}
