/**
 * What the cleaner sees of compacted partitions when it looks, and since when there is something to
 * do in each. Owner of that time, which is not durable: a restart begins it anew, but for segments
 * that are sealed, whose heads have it.
 */
import type { LogPartition } from "../partition.ts";
import { candidateOf, isCompacted, isOverdue, type PartitionLook } from "./candidates.ts";
import { cleanedKey, cleanedState } from "./cleaned-state.ts";
import type { CleanerParts } from "./cleaner-parts.ts";

/** The active segment is everybody's: it is sealed for the sake of compaction at most so often. */
const FORCED_SEAL_INTERVAL_MS = 60_000;

export class Looks {
  readonly #parts: CleanerParts;
  readonly #firstSeenMs = new Map<number, number>();
  #sealedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: CleanerParts) {
    this.#parts = parts;
  }

  all(nowMs: number): readonly PartitionLook[] {
    const looks: PartitionLook[] = [];
    for (const topic of this.#parts.topics.all()) {
      if (!isCompacted(topic.config)) continue;
      for (const partition of topic.partitions) {
        if (!partition.deleted) looks.push(this.#look(partition, topic.config, nowMs));
      }
    }
    return looks;
  }

  /** A pass has been through the partition. */
  cleaned(partition: LogPartition): void {
    this.#firstSeenMs.delete(partition.id);
  }

  dirtyBytes(nowMs: number): number {
    return this.all(nowMs).reduce(
      (sum, look) => sum + (candidateOf(look, nowMs)?.dirtyBytes ?? 0),
      0,
    );
  }

  /**
   * Records that must be compacted by now and stand in the active segment, where nothing is: it is
   * sealed, for they can be no older than it.
   */
  async sealOverdue(nowMs: number): Promise<void> {
    const { row, state, group } = this.#parts;
    if (nowMs - this.#sealedMs < FORCED_SEAL_INTERVAL_MS) return;
    const overdue = this.all(nowMs).find(({ partition, heads, cleaned, ...look }) => {
      const isSealed = heads.some(({ head }) => head.nextOffset > cleaned.cleanedTo);
      const holdsSome = (row.activeHead(partition.id)?.batches ?? 0) > 0;
      return holdsSome && !isSealed && isOverdue(look, nowMs);
    });
    if (overdue === undefined) return;
    this.#sealedMs = nowMs;
    row.askSeal();
    // Any commit will do.
    const commit = group();
    const key = cleanedKey(overdue.partition.id);
    commit.putState(key, state.get(key));
    await commit.flushed;
  }

  #look(partition: LogPartition, config: PartitionLook["config"], nowMs: number): PartitionLook {
    const { row, state, progressOf } = this.#parts;
    const cleaned = cleanedState(state, partition.id);
    const heads = row.sealedHeadsOf(partition.id);
    return {
      partition,
      config,
      cleaned,
      heads,
      replicatedTo: progressOf(partition),
      dirtySinceMs: this.#dirtySince(partition, cleaned, heads, nowMs),
    };
  }

  #dirtySince(
    partition: LogPartition,
    { cleanedTo }: PartitionLook["cleaned"],
    heads: PartitionLook["heads"],
    nowMs: number,
  ): number | undefined {
    if (partition.highWatermark <= Math.max(cleanedTo, partition.logStartOffset)) {
      this.#firstSeenMs.delete(partition.id);
      return undefined;
    }
    const firstSeenMs = this.#firstSeenMs.get(partition.id) ?? nowMs;
    this.#firstSeenMs.set(partition.id, firstSeenMs);
    const dirty = heads.find(({ head }) => head.nextOffset > cleanedTo);
    return Math.min(firstSeenMs, dirty?.head.appendedAtMs ?? firstSeenMs);
  }
}
