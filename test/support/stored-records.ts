import type { Log, Partition } from "../../src/log/contract.ts";
import { isControl } from "../../src/wire/record-batch.ts";
import { type DecodedRecord, records } from "../../src/wire/records.ts";

/** Every record that a partition holds, committed or not, without markers. */
export async function storedRecords(log: Log, partition: Partition): Promise<DecodedRecord[]> {
  const found: DecodedRecord[] = [];
  let next = partition.logStartOffset;
  while (next < partition.highWatermark) {
    const slice = await log.read(partition, next, 64 * 1024);
    if (slice.nextOffset <= next) throw new Error(`reading stands still at ${next}`);
    for (const batch of slice.batches) {
      if (isControl(batch)) continue;
      found.push(...[...records(batch)].filter(({ offset }) => offset >= next));
    }
    next = slice.nextOffset;
  }
  return found;
}
