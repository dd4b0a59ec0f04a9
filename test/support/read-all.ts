import { toOffset } from "../../src/base/offset.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import { type DecodedRecord, records } from "../../src/wire/records.ts";

/** Every record of a partition from `from` on, read in slices of `sliceBytes`. */
export async function readAll(
  log: Log,
  partition: Partition,
  from: number = partition.logStartOffset,
  sliceBytes = 64 * 1024,
): Promise<DecodedRecord[]> {
  const all: DecodedRecord[] = [];
  let next = toOffset(from);
  while (next < partition.highWatermark) {
    const slice = await log.read(partition, next, sliceBytes);
    for (const batch of slice.batches) {
      for (const record of records(batch)) if (record.offset >= from) all.push(record);
    }
    if (slice.nextOffset === next) throw new Error(`reading stands still at ${next}`);
    next = slice.nextOffset;
  }
  return all;
}

/** The values of every record of a partition, as text. */
export async function valuesOf(log: Log, partition: Partition, from?: number): Promise<string[]> {
  const all = await readAll(log, partition, from);
  return all.map(({ value }) => value?.toString("utf8") ?? "");
}
