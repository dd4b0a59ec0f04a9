/**
 * Writes what is kept of one sealed segment, or of several that follow each other, into a new one,
 * and puts that in their place (`SegmentRow.replace`). Partitions that are not being cleaned, and all
 * of the segments before the last, are copied as they are, without what lies below the log start.
 *
 * The new segment says of itself what every segment says: a head for each partition and all small
 * state, as the last of the old ones had them. So recovery need not know that it is a new one.
 */
import { toOffset } from "../../base/offset.ts";
import { maxTimestampMs, nextOffset } from "../../wire/record-batch.ts";
import type { AbortedTransaction } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { SealedSegment } from "../sealed-segments.ts";
import { emptyHead, type SegmentHead, saysSomething } from "../segment-head.ts";
import type { SegmentRow } from "../segment-row.ts";
import type { AbortedEntry, Segment } from "../storage/storage.ts";
import type { Pacer } from "./pacer.ts";
import type { Outcome, PartitionCleaning } from "./partition-cleaning.ts";
import { PreparedWriter } from "./prepared-writer.ts";
import { SegmentGone, type StoredBatch, storedBatches } from "./stored-batches.ts";

export interface RewriteParts {
  readonly row: SegmentRow;
  readonly pacer: Pacer;
  readonly partitionOf: (id: number) => LogPartition | undefined;
}

export interface Rewritten {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly compacted: number;
  readonly waitingBytes: ReadonlyMap<LogPartition, number>;
  /** Aborted transactions of which nothing is left. */
  readonly forgotten: readonly (readonly [LogPartition, AbortedTransaction])[];
}

type Cleanings = ReadonlyMap<number, PartitionCleaning>;

/** @throws SegmentGone, CleanerStopped, DISK_FULL, STORAGE_FAILED; then everything is as it was */
export async function rewriteSegments(
  parts: RewriteParts,
  segments: readonly SealedSegment[],
  cleanings: Cleanings,
): Promise<Rewritten> {
  const last = segments.at(-1) as SealedSegment;
  const prepared = await parts.row.prepare(last.id);
  try {
    const rewrite = new Rewrite(parts, segments, cleanings, prepared);
    const heads = await rewrite.run();
    const bytesBefore = segments.reduce((sum, { bytes }) => sum + bytes, 0);
    const bytesAfter = prepared.bytesOnDisk();
    // Where retention has taken something meanwhile, what was counted is no longer so.
    const isSame = segments.length === 1 || rewrite.isUntouched();
    parts.pacer.check();
    const ids = segments.map(({ id }) => id);
    if (!isSame || !(await parts.row.replace(ids, prepared, heads))) {
      throw new SegmentGone(`segment ${last.id} was taken while it was compacted`);
    }
    return { ...rewrite.result, bytesBefore, bytesAfter };
  } catch (error) {
    await parts.row.discard(prepared);
    throw error;
  }
}

class Rewrite {
  readonly #parts: RewriteParts;
  readonly #segments: readonly SealedSegment[];
  readonly #cleanings: Cleanings;
  readonly #last: SealedSegment;
  readonly #writer: PreparedWriter;
  /** What each segment held when it began. */
  readonly #held: readonly (readonly number[])[];
  readonly #forgottenEntries = new Set<string>();
  readonly result = {
    compacted: 0,
    waitingBytes: new Map<LogPartition, number>(),
    forgotten: [] as [LogPartition, AbortedTransaction][],
  };

  constructor(
    parts: RewriteParts,
    segments: readonly SealedSegment[],
    cleanings: Cleanings,
    prepared: Segment,
  ) {
    this.#parts = parts;
    this.#segments = segments;
    this.#cleanings = cleanings;
    this.#last = segments.at(-1) as SealedSegment;
    this.#writer = new PreparedWriter(prepared);
    this.#held = segments.map(({ heads }) => [...heads.keys()]);
  }

  isUntouched(): boolean {
    return this.#segments.every(({ heads }, nth) => heads.size === this.#held[nth]?.length);
  }

  /** Answers the heads of what the new segment holds. */
  async run(): Promise<ReadonlyMap<number, SegmentHead>> {
    const heads = new Map<number, SegmentHead>();
    const ids = new Set(this.#held.flat());
    for (const id of [...ids].sort((a, b) => a - b)) {
      const partition = this.#parts.partitionOf(id);
      if (partition !== undefined) heads.set(id, await this.#copy(partition));
    }
    await this.#copyAborted(heads);
    await this.#copyStates();
    await this.#writer.finish(await this.#allHeads(heads));
    return new Map([...heads].filter(([, head]) => saysSomething(head)));
  }

  async #copy(partition: LogPartition): Promise<SegmentHead> {
    const { row, pacer } = this.#parts;
    const cleaning = this.#cleanings.get(partition.id);
    const olds = this.#segments.flatMap(({ id, heads }) => {
      const head = heads.get(partition.id);
      return head === undefined ? [] : [{ id, head }];
    });
    const count = new HeadCount(olds.map(({ head }) => head));
    for (const { id } of olds) {
      for await (const stored of storedBatches(row, id, partition, 0, pacer)) {
        const isCleaned = cleaning !== undefined && id === this.#last.id;
        const outcome = isCleaned ? cleaning.outcome(stored) : copied(stored, partition);
        this.#note(partition, outcome);
        count.add(stored, outcome);
        if (outcome.batch === undefined) continue;
        await this.#writer.add(partition.id, outcome.batch, stored.base);
      }
    }
    return count.head(partition);
  }

  #note(partition: LogPartition, { compacted, waitingBytes, forgotten }: Outcome): void {
    const { result } = this;
    result.compacted += compacted;
    if (waitingBytes > 0) {
      const before = result.waitingBytes.get(partition) ?? 0;
      result.waitingBytes.set(partition, before + waitingBytes);
    }
    if (forgotten === undefined) return;
    result.forgotten.push([partition, forgotten]);
    this.#forgottenEntries.add(entryName({ partitionId: partition.id, ...forgotten }));
  }

  async #copyAborted(heads: ReadonlyMap<number, SegmentHead>): Promise<void> {
    const { row, pacer, partitionOf } = this.#parts;
    for (const { id } of this.#segments) {
      for (let after: AbortedEntry | undefined; ; ) {
        const entries = await row.withSegment(id, (segment) => [
          ...Iterator.from(segment.allAborted(after)).take(ENTRIES_A_TURN),
        ]);
        if (entries === undefined) throw new SegmentGone(`segment ${id} has gone`);
        const kept = entries.filter(
          (entry) =>
            heads.has(entry.partitionId) &&
            !this.#forgottenEntries.has(entryName(entry)) &&
            entry.lastOffset >= (partitionOf(entry.partitionId)?.logStartOffset ?? 0),
        );
        await this.#writer.addAborted(kept);
        after = entries.at(-1);
        if (after === undefined) break;
        await pacer.rest();
      }
    }
  }

  async #copyStates(): Promise<void> {
    const { row, pacer } = this.#parts;
    for (let after: string | undefined; ; ) {
      const states = await row.withSegment(this.#last.id, (segment) => [
        ...Iterator.from(segment.states(after)).take(ENTRIES_A_TURN),
      ]);
      if (states === undefined) throw new SegmentGone(`segment ${this.#last.id} has gone`);
      await this.#writer.addStates(states);
      after = states.at(-1)?.[0];
      if (after === undefined) break;
      await pacer.rest();
    }
  }

  /** One of each partition that the last segment knows, also where nothing of it is left. */
  async #allHeads(left: ReadonlyMap<number, SegmentHead>): Promise<Map<number, SegmentHead>> {
    const known = await this.#parts.row.withSegment(this.#last.id, (segment) => segment.heads());
    if (known === undefined) throw new SegmentGone(`segment ${this.#last.id} has gone`);
    const all = new Map<number, SegmentHead>();
    for (const [id, { nextOffset: next, leaderEpoch }] of known) {
      all.set(id, emptyHead(next, leaderEpoch));
    }
    for (const [id, head] of left) {
      // What retention took of the last one counts, where its offsets were the last ones given.
      const nextOffset = toOffset(Math.max(head.nextOffset, all.get(id)?.nextOffset ?? 0));
      all.set(id, { ...head, nextOffset });
    }
    return all;
  }
}

const ENTRIES_A_TURN = 500;

function entryName({ partitionId, producerId, lastOffset }: AbortedEntry): string {
  return `${partitionId}/${producerId}/${lastOffset}`;
}

/** What becomes of a batch of a partition that is not being cleaned. */
function copied({ batch, isDamaged }: StoredBatch, { logStartOffset }: LogPartition): Outcome {
  const isLeft = isDamaged || nextOffset(batch) > logStartOffset;
  const left = isLeft ? batch : undefined;
  return { batch: left, compacted: 0, waitingBytes: 0, forgotten: undefined };
}

/** Works out the new head of a partition from the old ones and what became of their batches. */
class HeadCount {
  readonly #olds: readonly SegmentHead[];
  #firstLeft: number | undefined;
  #bytes = 0;
  #batches = 0;
  #newestMs = -1;
  #compacted: number;

  constructor(olds: readonly SegmentHead[]) {
    this.#olds = olds;
    this.#compacted = olds.reduce((sum, { compacted }) => sum + compacted, 0);
  }

  add({ base, isDamaged }: StoredBatch, { batch, compacted }: Outcome): void {
    this.#compacted += compacted;
    if (batch === undefined) return;
    this.#firstLeft ??= base;
    this.#bytes += batch.length;
    this.#batches += 1;
    if (!isDamaged) this.#newestMs = Math.max(this.#newestMs, maxTimestampMs(batch));
  }

  head({ logStartOffset }: LogPartition): SegmentHead {
    const first = this.#olds[0] as SegmentHead;
    const last = this.#olds.at(-1) as SegmentHead;
    // What retention has taken is not missing here, also where the log start is forgotten.
    const taken = Math.min(logStartOffset, this.#firstLeft ?? last.nextOffset);
    return {
      firstOffset: toOffset(Math.max(first.firstOffset, taken)),
      nextOffset: last.nextOffset,
      bytes: this.#bytes,
      batches: this.#batches,
      maxTimestampMs: this.#newestMs,
      appendedAtMs: Math.max(...this.#olds.map(({ appendedAtMs }) => appendedAtMs)),
      leaderEpoch: last.leaderEpoch,
      compacted: this.#compacted,
    };
  }
}
