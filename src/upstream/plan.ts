/**
 * What to write next: the batches that take the records of a slice of the log upstream, and where
 * the position stands once all of them are acknowledged. Pure: the same position, slice and end give
 * the same batches with the same sequences, so that a second attempt is recognised as one.
 *
 * A produce request takes one batch per partition, so small stored batches are merged into one.
 */
import type { Offset } from "../base/offset.ts";
import { toOffset } from "../base/offset.ts";
import type { Stretch } from "../log/committed-slice.ts";
import type { LeftOut } from "../log/contract.ts";
import { partitionForKey } from "../wire/murmur2.ts";
import {
  baseOffset,
  type CompressionCodec,
  compressionCodec,
  isLogAppendTime,
  lastOffsetDelta,
  nextOffset,
  recordCount,
} from "../wire/record-batch.ts";
import { StoredRecords } from "../wire/stored-records.ts";
import { copyForProducer, OutgoingBatch } from "./outgoing-batch.ts";
import type { Position } from "./position.ts";

/** A record's length, attributes and two deltas: the most that is written again around the rest. */
const RECORD_OVERHEAD_BYTES_MAX = 5 + 1 + 8 + 5;

export interface PlanInput {
  readonly position: Position;
  /** What was read, from the batch that holds the position's offset on. */
  readonly stretches: readonly Stretch[];
  /** The end of an earlier attempt, to repeat exactly that one. */
  readonly until: Offset | undefined;
  /** How large a batch may become, before compression. One record may exceed it. */
  readonly batchBytesMax: number;
  /** Upstream refused a batch: stored ones beyond `batchBytesMax` must be taken apart, too. */
  readonly split: boolean;
  /** The slot of records without a key, where records are placed by key. */
  readonly keylessSlot: number;
}

export interface Plan {
  /** At most one for each slot; none where everything here is upstream already. */
  readonly writes: readonly PlannedWrite[];
  readonly nextOffset: Offset;
  /** Records of each slot between the position's offset and `nextOffset`. */
  readonly seen: readonly number[];
  /** Offsets between the two that hold nothing for upstream. */
  readonly leftOut: LeftOut;
}

export interface PlannedWrite {
  readonly slot: number;
  readonly batch: Buffer;
  readonly recordCount: number;
}

type Writes = Omit<Plan, "leftOut">;

export function planWrites(input: PlanInput): Plan {
  const plan = input.position.placement === "direct" ? planDirect(input) : planByKey(input);
  return { ...plan, leftOut: leftOutBelow(input, plan.nextOffset) };
}

/** All records go to one partition: whole stored batches where possible, in their compression. */
function planDirect(input: PlanInput): Writes {
  const batches = forwardable(input);
  const { position } = input;
  const outgoing = new OutgoingBatch();
  let codec: CompressionCodec = "none";
  let next: number = position.nextOffset;
  let seen = 0;
  for (const [index, batch] of batches.entries()) {
    const started = outgoing.recordCount > 0;
    if (started && !joins(input, outgoing, batch)) break;
    if (
      !started &&
      seen >= position.ahead(0) &&
      goesAlone(input, batch, next, batches[index + 1])
    ) {
      const count = recordCount(batch);
      const copy = copyForProducer(batch, position.producer, position.sequence(0));
      const writes = [{ slot: 0, batch: copy, recordCount: count }];
      return { writes, nextOffset: nextOffset(batch), seen: [seen + count] };
    }
    codec = compressionCodec(batch) ?? "none";
    const records = new StoredRecords(batch);
    let whole = true;
    while (whole && records.next()) {
      if (records.offset < next) continue;
      const skipped = seen < position.ahead(0);
      whole = !isBeyond(input, records.offset) && (skipped || hasRoom(input, outgoing, records));
      if (!whole) break;
      if (!skipped) outgoing.add(records);
      seen += 1;
      next = records.offset + 1;
    }
    if (!whole) break;
    next = nextOffset(batch);
    // A batch that had to be taken apart goes by itself, in the compression it had.
    if (codec !== "none" && outgoing.recordCount > 0) break;
  }
  const nextOffsetAfter = toOffset(endOfLeftOut(input, next));
  const count = outgoing.recordCount;
  if (count === 0) return { writes: [], nextOffset: nextOffsetAfter, seen: [seen] };
  const batch = outgoing.finish(codec, position.producer, position.sequence(0));
  const writes = [{ slot: 0, batch, recordCount: count }];
  return { writes, nextOffset: nextOffsetAfter, seen: [seen] };
}

/** Whether `batch` may be merged into an outgoing one that holds records already. */
function joins(input: PlanInput, outgoing: OutgoingBatch, batch: Buffer): boolean {
  return (
    compressionCodec(batch) === "none" && outgoing.sizeBytes + batch.length <= input.batchBytesMax
  );
}

/** Whether to send a mere copy of `batch`: it must go whole, and there is nothing to merge it with. */
function goesAlone(
  input: PlanInput,
  batch: Buffer,
  from: number,
  following: Buffer | undefined,
): boolean {
  if (!goesWhole(batch, from) || isBeyond(input, nextOffset(batch) - 1)) return false;
  if (batch.length > input.batchBytesMax) return !input.split;
  return (
    compressionCodec(batch) !== "none" ||
    following === undefined ||
    compressionCodec(following) !== "none" ||
    batch.length + following.length > input.batchBytesMax
  );
}

/** Whether `offset` lies beyond the attempt that is being repeated. */
function isBeyond(input: PlanInput, offset: number): boolean {
  return input.until !== undefined && offset >= input.until;
}

function hasRoom(input: PlanInput, outgoing: OutgoingBatch, record: StoredRecords): boolean {
  const bytes = outgoing.sizeBytes + record.restEnd - record.restStart + RECORD_OVERHEAD_BYTES_MAX;
  return outgoing.recordCount === 0 || bytes <= input.batchBytesMax;
}

/** Each record goes to the partition that Kafka's own producers would give its key. */
function planByKey(input: PlanInput): Writes {
  const { position } = input;
  const { producer, targets } = position;
  const outgoing = targets.map((): OutgoingBatch | undefined => undefined);
  const seen = targets.map(() => 0);
  let codec: CompressionCodec = "none";
  let next: number = position.nextOffset;
  let bytes = 0;
  let full = false;
  for (const batch of forwardable(input)) {
    if (codec === "none") codec = compressionCodec(batch) ?? "none";
    const records = new StoredRecords(batch);
    while (records.next()) {
      if (records.offset < next) continue;
      const recordBytes = records.restEnd - records.restStart + RECORD_OVERHEAD_BYTES_MAX;
      full = isBeyond(input, records.offset);
      full ||= bytes > 0 && bytes + recordBytes > input.batchBytesMax;
      if (full) break;
      const key = records.key();
      const slot = key === null ? input.keylessSlot : partitionForKey(key, targets.length);
      if ((seen[slot] as number) >= position.ahead(slot)) {
        const target = outgoing[slot] ?? new OutgoingBatch();
        outgoing[slot] = target;
        target.add(records);
        bytes += recordBytes;
      }
      seen[slot] = (seen[slot] as number) + 1;
      next = records.offset + 1;
    }
    if (full) break;
    next = nextOffset(batch);
  }
  const writes = outgoing.flatMap((target, slot) => {
    if (target === undefined) return [];
    const batch = target.finish(codec, producer, position.sequence(slot));
    return [{ slot, batch, recordCount: target.recordCount }];
  });
  return { writes, nextOffset: toOffset(endOfLeftOut(input, next)), seen };
}

/** The stored batches that hold records to forward, in order. */
function forwardable({ stretches, position, until }: PlanInput): readonly Buffer[] {
  return stretches.flatMap(({ batch, from, to }) => {
    const wanted = to > position.nextOffset && (until === undefined || from < until);
    return batch !== undefined && wanted ? [batch] : [];
  });
}

/** The end of what follows `next` directly and holds nothing to forward. */
function endOfLeftOut({ stretches }: PlanInput, next: number): number {
  let end = next;
  for (const { leftOut, from, to } of stretches) {
    if (leftOut !== undefined && from <= end && to > end) end = to;
  }
  return end;
}

/** What a position that goes on at `next` has passed over. */
function leftOutBelow({ stretches, position }: PlanInput, next: Offset): LeftOut {
  const offsets = { control: 0, aborted: 0, compacted: 0 };
  for (const stretch of stretches) {
    const from = Math.max(stretch.from, position.nextOffset);
    const to = Math.min(stretch.to, next);
    if (from >= to) continue;
    if (stretch.leftOut !== undefined) offsets[stretch.leftOut] += to - from;
    else if (stretch.batch !== undefined) offsets.compacted += holesIn(stretch.batch, from, to);
  }
  return offsets;
}

/** Offsets from `from` to before `to` that a batch has no record for: compaction took it. */
function holesIn(batch: Buffer, from: number, to: number): number {
  if (isFull(batch)) return 0;
  const records = new StoredRecords(batch);
  let holes = to - from;
  while (records.next()) if (records.offset >= from && records.offset < to) holes -= 1;
  return holes;
}

/** Compaction leaves holes; upstream wants offsets 0, 1, 2 in what a producer sends. */
function isFull(batch: Buffer): boolean {
  return recordCount(batch) === lastOffsetDelta(batch) + 1;
}

/** Whether upstream would read the same records from a mere copy of `batch`. */
function goesWhole(batch: Buffer, from: number): boolean {
  return (
    baseOffset(batch) >= from &&
    // Upstream refuses a producer's LogAppendTime: each record must carry that time itself.
    !isLogAppendTime(batch) &&
    isFull(batch)
  );
}
