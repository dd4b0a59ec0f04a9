/**
 * The batches of a partition in one sealed segment, as the cleaner goes through them: read slice by
 * slice, each in one short turn, with what is known of aborted transactions.
 */
import { baseOffset, isControl, isTransactional, producerId } from "../../wire/record-batch.ts";
import { damageAt } from "../batch-damage.ts";
import type { AbortedTransaction } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { SegmentRow } from "../segment-row.ts";
import { abortedIn } from "../transactions/aborted-in.ts";
import { type Pacer, SLICE_BYTES } from "./pacer.ts";

export interface StoredBatch {
  readonly batch: Buffer;
  /** What it is stored under. */
  readonly base: number;
  /** Its bytes cannot be trusted: they are passed on as they are. */
  readonly isDamaged: boolean;
  /** The aborted transaction that it is part of, or the marker of. */
  readonly aborted: AbortedTransaction | undefined;
}

/** The segment went away, or was set aside as damaged, while it was read. */
export class SegmentGone extends Error {}

/** Each transactional batch may ask the index of aborted transactions once. */
const BATCHES_MAX = 500;

/** @throws SegmentGone, CleanerStopped */
export async function* storedBatches(
  row: SegmentRow,
  segmentId: number,
  partition: LogPartition,
  from: number,
  pacer: Pacer,
): AsyncGenerator<StoredBatch, void, undefined> {
  for (let next = from; ; ) {
    const slice = await readSlice(row, segmentId, partition, next);
    if (slice.length === 0) return;
    for (const stored of slice) {
      yield stored;
      next = stored.base + 1;
      if (pacer.isDue(stored.batch.length)) await pacer.rest();
    }
  }
}

async function readSlice(
  row: SegmentRow,
  segmentId: number,
  partition: LogPartition,
  from: number,
): Promise<readonly StoredBatch[]> {
  const slice = await row.withSegment(segmentId, (segment) => {
    const batches: { batch: Buffer; base: number; isDamaged: boolean }[] = [];
    const transactional: Buffer[] = [];
    let bytes = 0;
    segment.scan(partition.id, from, (batch, base) => {
      if (base < from) return true;
      const isDamaged = damageAt(batch, base) !== undefined;
      // What a segment shows is its own, and good for this moment only.
      const copy = Buffer.from(batch);
      batches.push({ batch: copy, base, isDamaged });
      if (!isDamaged && isTransactional(copy)) transactional.push(copy);
      bytes += batch.length;
      return bytes < SLICE_BYTES && batches.length < BATCHES_MAX;
    });
    const aborted = transactional.length === 0 ? [] : abortedIn(transactional, partition, segment);
    return batches.map((each) => ({ ...each, aborted: abortedOf(each, aborted) }));
  });
  if (slice === undefined) throw new SegmentGone(`segment ${segmentId} has gone`);
  return slice;
}

function abortedOf(
  { batch, isDamaged }: Pick<StoredBatch, "batch" | "isDamaged">,
  aborted: readonly AbortedTransaction[],
): AbortedTransaction | undefined {
  if (isDamaged || aborted.length === 0 || !isTransactional(batch)) return undefined;
  const id = producerId(batch);
  const offset = baseOffset(batch);
  return aborted.find((each) =>
    each.producerId === id && isControl(batch)
      ? each.lastOffset === offset
      : each.producerId === id && each.firstOffset <= offset && offset < each.lastOffset,
  );
}
