/**
 * The first half of a pass: the newest offset of each key among the records that no pass has been
 * through, as far as the memory for keys goes.
 */
import { isTributaryError } from "../../base/errors.ts";
import { type Offset, toOffset } from "../../base/offset.ts";
import { isControl, nextOffset, recordCount } from "../../wire/record-batch.ts";
import { StoredRecords } from "../../wire/stored-records.ts";
import type { SegmentRow } from "../segment-row.ts";
import type { Candidate } from "./candidates.ts";
import { KeyOffsets } from "./key-offsets.ts";
import type { Pacer } from "./pacer.ts";
import { type StoredBatch, storedBatches } from "./stored-batches.ts";

/** How far a scan of a partition came, and why not further. */
export interface ScanEnd {
  readonly until: Offset;
  /** What is left waits for another pass, whatever partition it is of. */
  readonly isMemoryFull: boolean;
}

export class KeyScan {
  readonly #row: SegmentRow;
  readonly #pacer: Pacer;
  keys: KeyOffsets;

  /** `recordsMax`: more than will come, so that little work takes little memory. */
  constructor(row: SegmentRow, pacer: Pacer, bytesMax: number, recordsMax: number) {
    this.#row = row;
    this.#pacer = pacer;
    this.keys = new KeyOffsets(Math.min(bytesMax, KeyOffsets.bytesFor(recordsMax)));
  }

  /** Comes to the candidate's end, to the batch that has it within, or to where the memory was full. */
  async add(candidate: Candidate): Promise<ScanEnd> {
    const { partition, cleaned, end, segmentIds } = candidate;
    const from = Math.max(cleaned.cleanedTo, partition.logStartOffset);
    for (const id of segmentIds) {
      for await (const stored of storedBatches(this.#row, id, partition, from, this.#pacer)) {
        const { batch, base, isDamaged } = stored;
        if (base >= end) return endedAt(end);
        // What has an end within the batch (how far it was replicated) leaves all of it alone.
        if (!isDamaged && nextOffset(batch) > end) return endedAt(base);
        if (!this.#put(partition.id, stored)) return { until: toOffset(base), isMemoryFull: true };
      }
    }
    return endedAt(end);
  }

  /** False where there is no room. */
  #put(partitionId: number, { batch, isDamaged, aborted }: StoredBatch): boolean {
    if (isDamaged || aborted !== undefined || isControl(batch)) return true;
    const count = recordCount(batch);
    if (!this.keys.hasRoomFor(count)) {
      if (this.keys.size > 0) return false;
      // A single batch must fit, or it would never be passed.
      this.keys = new KeyOffsets(KeyOffsets.bytesFor(count));
    }
    try {
      const records = new StoredRecords(batch);
      while (records.next()) {
        const key = records.key();
        if (key !== null) this.keys.put(partitionId, key, records.offset);
      }
    } catch (error) {
      // Nobody can read it: it makes no other record an old one, as far as it was not read.
      if (!isTributaryError(error)) throw error;
    }
    return true;
  }
}

function endedAt(offset: number): ScanEnd {
  return { until: toOffset(offset), isMemoryFull: false };
}
