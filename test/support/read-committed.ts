/** Two readers of committed records: ours, and one that does what Kafka's consumers do. */
import { type Offset, toOffset } from "../../src/base/offset.ts";
import { readCommitted } from "../../src/log/committed-slice.ts";
import type { LeftOut, Log, LogSlice, Partition } from "../../src/log/contract.ts";
import { markerKind } from "../../src/wire/control-batch.ts";
import { isControl, isTransactional, nextOffset, producerId } from "../../src/wire/record-batch.ts";
import { records } from "../../src/wire/records.ts";

export interface CommittedRead {
  readonly values: readonly string[];
  readonly leftOut: LeftOut;
  /** Offsets that were neither shown nor left out. */
  readonly missing: number;
  readonly end: Offset;
}

/** Everything from `from` to the last stable offset, in slices of `sliceBytes`. */
export async function readAllCommitted(
  log: Log,
  partition: Partition,
  from: number = partition.logStartOffset,
  sliceBytes = 64 * 1024,
): Promise<CommittedRead> {
  const values: string[] = [];
  const leftOut = { control: 0, aborted: 0, compacted: 0 };
  let missing = 0;
  let next = toOffset(from);
  while (next < partition.lastStableOffset) {
    const slice = await readCommitted(log, partition, next, sliceBytes);
    for (const stretch of slice.stretches) {
      missing += Math.max(0, stretch.from - next);
      if (stretch.batch !== undefined) values.push(...valuesIn(stretch.batch, from));
      if (stretch.leftOut !== undefined) {
        leftOut[stretch.leftOut] += stretch.to - Math.max(stretch.from, next);
      }
      next = stretch.to;
    }
    missing += slice.nextOffset - next;
    if (slice.stretches.length === 0 && slice.nextOffset <= next) throw new Error("stands still");
    next = slice.nextOffset;
  }
  return { values, leftOut, missing, end: next };
}

/** As Kafka's Java client does it: by the aborted list of each answer, and the markers in it. */
export async function consumeAsKafkaDoes(
  log: Log,
  partition: Partition,
  from: number,
  sliceBytes: number,
): Promise<string[]> {
  const values: string[] = [];
  let next = toOffset(from);
  while (next < partition.lastStableOffset) {
    const slice = await log.read(partition, next, sliceBytes, { isolation: "committed" });
    values.push(...committedIn(slice, from));
    if (slice.nextOffset === next) throw new Error(`reading stands still at ${next}`);
    next = slice.nextOffset;
  }
  return values;
}

function committedIn({ batches, aborted }: LogSlice, from: number): string[] {
  const coming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const left = new Set<bigint>();
  const values: string[] = [];
  for (const batch of batches) {
    const id = producerId(batch);
    while (coming[0] !== undefined && coming[0].firstOffset < nextOffset(batch)) {
      left.add((coming.shift() as { producerId: bigint }).producerId);
    }
    if (isControl(batch)) {
      if (markerKind(batch) === "abort") left.delete(id);
    } else if (!(isTransactional(batch) && left.has(id))) values.push(...valuesIn(batch, from));
  }
  return values;
}

function valuesIn(batch: Buffer, from: number): string[] {
  return [...records(batch)]
    .filter(({ offset }) => offset >= from)
    .map(({ value }) => `${value?.toString("utf8")}`);
}
