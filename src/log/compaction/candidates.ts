/**
 * Which partitions are worth a pass of the cleaner, and how far it may go in each. Pure: it looks at
 * heads and settings, never at records.
 */
import { type Offset, toOffset } from "../../base/offset.ts";
import type { TopicConfig } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { SegmentHead } from "../segment-head.ts";
import { type CleanedState, tombstonesEnd } from "./cleaned-state.ts";

/**
 * A pass may be asked to write again, for each byte that it can free at best, so many. Segments are
 * shared: where a compacted topic is a small part of them, it waits until retention has thinned them.
 */
const WRITTEN_PER_FREED_BYTE_MAX = 10;

export interface PartitionLook {
  readonly partition: LogPartition;
  readonly config: Readonly<TopicConfig>;
  readonly cleaned: CleanedState;
  /** Of the sealed segments that hold some of it, the oldest first. */
  readonly heads: readonly { readonly id: number; readonly head: SegmentHead }[];
  /** How far it has been replicated; undefined where nobody does that. */
  readonly replicatedTo: Offset | undefined;
  /** When records that no pass has been through were first seen; undefined where there are none. */
  readonly dirtySinceMs: number | undefined;
}

export interface Candidate {
  readonly partition: LogPartition;
  readonly config: Readonly<TopicConfig>;
  readonly cleaned: CleanedState;
  /** The pass stops here at the latest. */
  readonly end: Offset;
  readonly dirtyBytes: number;
  /** What the pass can free at best. */
  readonly gainBytes: number;
  /** Dirty bytes, and those of tombstones that have waited long enough, of all bytes up to `end`. */
  readonly dirtyRatio: number;
  /** Records have waited for `max.compaction.lag.ms`. */
  readonly isOverdue: boolean;
  readonly segmentIds: readonly number[];
}

export function isCompacted({ cleanupPolicy }: Pick<TopicConfig, "cleanupPolicy">): boolean {
  return cleanupPolicy !== "delete";
}

/** Undefined where there is nothing to compact. */
export function candidateOf(look: PartitionLook, nowMs: number): Candidate | undefined {
  const { partition, config, cleaned, heads } = look;
  const end = cleanableEnd(look, nowMs);
  const within = heads.filter(({ head }) => head.firstOffset < end);
  let allBytes = 0;
  let dirtyBytes = 0;
  for (const { head } of within) {
    allBytes += head.bytes;
    if (head.nextOffset > cleaned.cleanedTo) dirtyBytes += head.bytes;
  }
  if (end <= cleaned.cleanedTo) dirtyBytes = 0;
  const waited = tombstonesEnd(cleaned, nowMs, config.deleteRetentionMs) >= cleaned.cleanedTo;
  const gainBytes = Math.min(allBytes, dirtyBytes + (waited ? cleaned.waitingBytes : 0));
  if (gainBytes === 0) return undefined;
  return {
    partition,
    config,
    cleaned,
    end,
    dirtyBytes,
    gainBytes,
    dirtyRatio: gainBytes / allBytes,
    isOverdue: dirtyBytes > 0 && isOverdue(look, nowMs),
    segmentIds: within.map(({ id }) => id),
  };
}

/**
 * Below it everything is decided, replicated, in sealed segments and older than `min.compaction.lag.ms`.
 * A segment is as old as its newest record.
 */
function cleanableEnd(
  { partition, config, heads, replicatedTo }: PartitionLook,
  nowMs: number,
): Offset {
  const youngestMs = nowMs - config.minCompactionLagMs;
  let end = 0;
  for (const { head } of heads) {
    if (head.appendedAtMs > youngestMs) break;
    end = head.nextOffset;
  }
  return toOffset(Math.min(end, partition.lastStableOffset, replicatedTo ?? end));
}

export function isOverdue(
  { config, dirtySinceMs }: Pick<PartitionLook, "config" | "dirtySinceMs">,
  nowMs: number,
): boolean {
  const { maxCompactionLagMs } = config;
  if (maxCompactionLagMs < 0 || dirtySinceMs === undefined) return false;
  return nowMs - dirtySinceMs >= maxCompactionLagMs;
}

/**
 * The candidates that a pass takes on: those that are overdue or to be compacted whatever it costs (a
 * ratio of 0), and those that are dirty enough where together they are worth what will be written.
 * Those that must come first, then the dirtiest. All must where the log has no room (`isPressing`).
 */
export function elect(
  candidates: readonly Candidate[],
  bytesOfSegment: (id: number) => number,
  isPressing: boolean,
): readonly Candidate[] {
  const isDue = ({ isOverdue, config }: Candidate) =>
    isPressing || isOverdue || config.minCleanableDirtyRatio === 0;
  const due = candidates.filter(isDue);
  const dirty = candidates
    .filter((each) => !isDue(each) && each.dirtyRatio >= each.config.minCleanableDirtyRatio)
    .sort((one, other) => other.dirtyRatio - one.dirtyRatio);
  return isWorthwhile(dirty, bytesOfSegment) ? [...due, ...dirty] : due;
}

function isWorthwhile(
  candidates: readonly Candidate[],
  bytesOfSegment: (id: number) => number,
): boolean {
  const ids = new Set(candidates.flatMap(({ segmentIds }) => segmentIds));
  let writtenBytes = 0;
  for (const id of ids) writtenBytes += bytesOfSegment(id);
  const freedBytes = candidates.reduce((sum, { gainBytes }) => sum + gainBytes, 0);
  return writtenBytes <= freedBytes * WRITTEN_PER_FREED_BYTE_MAX;
}
