/**
 * What one pass keeps of one partition, batch by batch in order of offset:
 *
 *  - of each key the newest record, with its offset and its time; a key's newest record that has no
 *    value (a tombstone) goes when it has been all that is left of the key for long enough;
 *  - no record of an aborted transaction, and no record without a key;
 *  - a transaction's marker until nothing is left of the transaction, and as long as a tombstone;
 *  - everything at or above `until`, whatever is damaged, and the last record of the partition: without
 *    it, a consumer would wait below an end that no batch takes it to.
 *
 * Source: Apache Kafka, "Log Compaction", `Cleaner.shouldRetainRecord`, `CleanedTransactionMetadata`.
 */
import { isTributaryError } from "../../base/errors.ts";
import type { Offset } from "../../base/offset.ts";
import {
  isControl,
  isTransactional,
  nextOffset,
  producerId,
  recordCount,
} from "../../wire/record-batch.ts";
import { StoredRecords } from "../../wire/stored-records.ts";
import type { AbortedTransaction } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { KeyOffsets } from "./key-offsets.ts";
import type { StoredBatch } from "./stored-batches.ts";
import { thinnedBatch } from "./thinned-batch.ts";

export interface CleaningBounds {
  /** Newest offsets of keys are known up to here; all below it is committed or aborted. */
  readonly until: Offset;
  /** Tombstones and markers below it have waited long enough. */
  readonly tombstonesEnd: Offset;
}

/** What becomes of a batch. */
export interface Outcome {
  /** Undefined where nothing is left; the same bytes where nothing is taken. */
  readonly batch: Buffer | undefined;
  /** Records that compaction takes. */
  readonly compacted: number;
  /** Bytes of what stays only until it has waited long enough. */
  readonly waitingBytes: number;
  /** The aborted transaction whose marker goes. */
  readonly forgotten: AbortedTransaction | undefined;
}

/** What the batches so far have said. */
interface Seen {
  readonly unfinished: ReadonlySet<bigint>;
  readonly unmarked: ReadonlyMap<number, AbortedTransaction>;
}

export class PartitionCleaning {
  readonly partition: LogPartition;
  readonly bounds: CleaningBounds;
  readonly #keys: KeyOffsets;
  /** Producers of whose transaction, as far as it was seen, something stays. */
  readonly #unfinished: Set<bigint>;
  /** Spans whose marker may go and was not seen yet, by its offset. */
  readonly #unmarked: Map<number, AbortedTransaction>;

  constructor(
    partition: LogPartition,
    keys: KeyOffsets,
    bounds: CleaningBounds,
    seen: Seen = nothingSeen(partition, bounds),
  ) {
    this.partition = partition;
    this.bounds = bounds;
    this.#keys = keys;
    this.#unfinished = new Set(seen.unfinished);
    this.#unmarked = new Map(seen.unmarked);
  }

  /** The same, as it stands now: to look at batches that will be gone through again. */
  fork(): PartitionCleaning {
    const seen = { unfinished: this.#unfinished, unmarked: this.#unmarked };
    return new PartitionCleaning(this.partition, this.#keys, this.bounds, seen);
  }

  /**
   * Aborted transactions, known in small state, of which the pass that has now ended left nothing and
   * met no marker: one took that away before, and was cut short before it had said so.
   */
  unmarked(): (readonly [LogPartition, AbortedTransaction])[] {
    return [...this.#unmarked.values()].map((span) => [this.partition, span] as const);
  }

  /** Call it with every batch of the partition, from its log start on, in order of offset. */
  outcome(stored: StoredBatch): Outcome {
    const { batch, base, isDamaged } = stored;
    if (isDamaged) return kept(batch);
    if (nextOffset(batch) <= this.partition.logStartOffset) return TAKEN_BY_RETENTION;
    const isFixed = base >= this.bounds.until;
    const isLast = nextOffset(batch) === this.partition.highWatermark;
    if (isControl(batch)) return this.#marker(stored, isFixed || isLast);
    const staysWhole = isFixed || (isLast && stored.aborted !== undefined);
    const outcome = staysWhole ? kept(batch) : this.#records(stored);
    if (outcome.batch !== undefined && isTransactional(batch)) {
      this.#unfinished.add(producerId(batch));
    }
    return outcome;
  }

  #marker({ batch, base, aborted }: StoredBatch, isFixed: boolean): Outcome {
    this.#unmarked.delete(base);
    const isNeeded = this.#unfinished.delete(producerId(batch));
    if (isFixed || isNeeded) return kept(batch);
    if (base >= this.bounds.tombstonesEnd) return { ...kept(batch), waitingBytes: batch.length };
    return { batch: undefined, compacted: 1, waitingBytes: 0, forgotten: aborted };
  }

  #records({ batch, aborted }: StoredBatch): Outcome {
    const count = recordCount(batch);
    if (aborted !== undefined) return taken(count);
    try {
      const { left, waitingBytes } = this.#countLeft(batch);
      if (left === count) return { ...kept(batch), waitingBytes };
      if (left === 0) return taken(count);
      const thinned = thinnedBatch(batch, (record) => this.#keeps(record));
      return { batch: thinned, compacted: count - left, waitingBytes, forgotten: undefined };
    } catch (error) {
      // Its CRC is right and its records are not: no reader can say what it holds, nor can we.
      if (isTributaryError(error)) return kept(batch);
      throw error;
    }
  }

  #countLeft(batch: Buffer): { left: number; waitingBytes: number } {
    const records = new StoredRecords(batch);
    let left = 0;
    let waitingBytes = 0;
    while (records.next()) {
      if (!this.#keeps(records)) continue;
      left += 1;
      if (!records.hasValue() && !this.#isLast(records))
        waitingBytes += records.restEnd - records.start;
    }
    return { left, waitingBytes };
  }

  /** It stays until it is not the last one any more: time alone does not change that. */
  #isLast({ offset }: StoredRecords): boolean {
    return offset === this.partition.highWatermark - 1;
  }

  #keeps(record: StoredRecords): boolean {
    if (this.#isLast(record)) return true;
    const key = record.key();
    if (key === null) return false;
    const newest = this.#keys.newest(this.partition.id, key);
    if (newest !== undefined && newest > record.offset) return false;
    return record.hasValue() || record.offset >= this.bounds.tombstonesEnd;
  }
}

function nothingSeen({ transactions }: LogPartition, bounds: CleaningBounds): Seen {
  const endMax = Math.min(bounds.until, bounds.tombstonesEnd);
  const spans = (transactions?.allSpans() ?? []).filter(({ lastOffset }) => lastOffset < endMax);
  return { unfinished: new Set(), unmarked: new Map(spans.map((each) => [each.lastOffset, each])) };
}

const TAKEN_BY_RETENTION: Outcome = {
  batch: undefined,
  compacted: 0,
  waitingBytes: 0,
  forgotten: undefined,
};

function kept(batch: Buffer): Outcome {
  return { batch, compacted: 0, waitingBytes: 0, forgotten: undefined };
}

function taken(compacted: number): Outcome {
  return { batch: undefined, compacted, waitingBytes: 0, forgotten: undefined };
}
