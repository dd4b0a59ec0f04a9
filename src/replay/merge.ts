/**
 * The order in which records leave the cursors of several partitions: {@link inTurn}, one partition
 * after another, or {@link byTime}, merged by timestamp. Either way a partition's own order is
 * kept. Records come in groups, so that a full-speed replay does not await each one.
 */
import type { Offset } from "../base/offset.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { ReplayedRecord } from "./replayed-record.ts";

export type RecordGroups = AsyncGenerator<ReplayedRecord[], void, undefined>;

/** Everything below the last stable offsets of now, each partition to its end before the next. */
export async function* inTurn(
  cursors: readonly PartitionCursor[],
  groupRecordsMax: number,
  signal: AbortSignal,
): RecordGroups {
  const limits = stableOffsets(cursors);
  for (const [index, cursor] of cursors.entries()) {
    for (;;) {
      await cursor.fill(limits[index] as Offset, signal);
      if (cursor.head === undefined) break;
      const group: ReplayedRecord[] = [];
      while (cursor.head !== undefined && group.length < groupRecordsMax) {
        group.push(cursor.head);
        cursor.advance();
      }
      yield group;
    }
  }
}

/**
 * Everything below the last stable offsets of now, the earliest timestamp of any partition first. A
 * record whose clock was ahead holds back only its own partition.
 */
export async function* byTime(
  cursors: readonly PartitionCursor[],
  groupRecordsMax: number,
  signal: AbortSignal,
): RecordGroups {
  const heap: Entry[] = [];
  const limits = stableOffsets(cursors);
  for (const [index, cursor] of cursors.entries()) {
    const entry = { cursor, limit: limits[index] as Offset };
    await cursor.fill(entry.limit, signal);
    if (cursor.head !== undefined) heap.push(entry);
  }
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
  let group: ReplayedRecord[] = [];
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    const { cursor, limit } = first;
    group.push(cursor.head as ReplayedRecord);
    cursor.advance();
    const slice = cursor.head === undefined;
    if (group.length >= groupRecordsMax || (slice && group.length > 0)) {
      yield group;
      group = [];
    }
    if (slice) await cursor.fill(limit, signal);
    if (cursor.head === undefined) {
      const last = heap.pop();
      if (last !== undefined && last !== first) heap[0] = last;
    }
    sink(heap, 0);
  }
}

interface Entry {
  readonly cursor: PartitionCursor;
  readonly limit: Offset;
}

function stableOffsets(cursors: readonly PartitionCursor[]): Offset[] {
  return cursors.map(({ partition }) => partition.lastStableOffset);
}

/** Lets the entry at `index` sink to its place in the binary heap. */
function sink(heap: Entry[], index: number): void {
  let at = index;
  for (;;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child], heap[least])) least = child;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least] as Entry, heap[at] as Entry];
    at = least;
  }
}

function before(a: Entry | undefined, b: Entry | undefined): boolean {
  const left = a?.cursor.head;
  const right = b?.cursor.head;
  if (left === undefined || right === undefined) return false;
  if (left.timestampMs !== right.timestampMs) return left.timestampMs < right.timestampMs;
  return left.partition < right.partition;
}
