/**
 * What leaves the log, and when: by age and by bytes for each topic, by the disk budget for the
 * gateway (`disk-budget.ts`), and by what a client deletes. It works on sealed segments, oldest first:
 * a partition's log start moves past what has expired, and a segment in which no partition has
 * anything left is unlinked.
 *
 * Age is the time since this gateway appended, not the device's own timestamp: a clock that is
 * wrong must neither delete records nor keep them for ever.
 *
 * What has not been replicated is never dropped silently: it is counted as dropped, and said.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import type { Partition, Reclaimed } from "./contract.ts";
import { DiskBudget } from "./disk-budget.ts";
import type { LogPartition } from "./partition.ts";
import { compactedFrom, type SegmentHead } from "./segment-head.ts";
import type { SegmentRow } from "./segment-row.ts";
import type { Storage } from "./storage/storage.ts";
import type { TopicTable } from "./topics.ts";

export interface RetentionParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly storage: Storage;
  readonly row: SegmentRow;
  readonly topics: TopicTable;
  readonly diskBudgetBytes: number;
  readonly segmentBytes: number;
  readonly stateBytes: () => number;
  /** Has this, and then the cleaner, look again. */
  readonly lookAgain: () => void;
  /** Makes a new log start and what was taken durable. */
  readonly moved: (partition: LogPartition, taken: Reclaimed) => void;
}

export class Retention {
  readonly budget: DiskBudget;
  readonly #parts: RetentionParts;
  #progress: (partition: Partition) => Offset | undefined = () => undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.budget = new DiskBudget({
      ...parts,
      mayTake: (partition, head) => this.#mayTake(partition, head),
      take: (partition, segmentId, head) => this.#take(partition, segmentId, head),
    });
  }

  /** How far the partition has been replicated; undefined where nobody does that. */
  progressOf(partition: Partition): Offset | undefined {
    return this.#progress(partition);
  }

  setProgress(progress: (partition: Partition) => Offset | undefined): void {
    this.#progress = progress;
  }

  /** Looks at everything, once at a time; what is asked for meanwhile is one more look. */
  run(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#sweep().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.run();
      });
    return this.#next;
  }

  async #sweep(): Promise<void> {
    const { row, topics } = this.#parts;
    await row.removeEmptied();
    await row.removeUnneeded();
    for (const segment of [...row.sealed()]) {
      for (const partitionId of [...segment.heads.keys()]) {
        if (topics.ofPartition(partitionId) === undefined)
          await row.release(partitionId, segment.id);
      }
    }
    for (const partition of [...topics.partitions()]) await this.#expire(partition);
    await this.budget.fit();
  }

  /** Deletes a partition's records below `before`, at once; frees the segments that leaves empty. */
  async deleteBelow(partition: LogPartition, before: Offset): Promise<void> {
    this.#advance(partition, before);
    await this.#releaseBelowStart(partition);
  }

  /** Retention of one partition by its topic's time and bytes. */
  async #expire(partition: LogPartition): Promise<void> {
    await this.#releaseBelowStart(partition);
    const config = this.#parts.topics.configOf(partition);
    // What it keeps is for the cleaner alone to say, by key.
    if (config.cleanupPolicy === "compact") return;
    const { retentionMs, retentionBytes } = config;
    const oldestMs = retentionMs < 0 ? -Infinity : this.#parts.clock.nowMs() - retentionMs;
    const heads = [...this.#parts.row.headsOf(partition.id)];
    let bytes = heads.reduce((sum, { head }) => sum + head.bytes, 0);
    // The last one is the active segment's, or holds the newest data: it stays.
    for (const { id, head } of heads.slice(0, -1)) {
      const tooOld = head.appendedAtMs < oldestMs;
      const tooMuch = retentionBytes >= 0 && bytes - head.bytes >= retentionBytes;
      if (!tooOld && !tooMuch) return;
      if (!this.#mayTake(partition, head)) return;
      bytes -= head.bytes;
      await this.#take(partition, id, head);
    }
  }

  /** The operator's choice: may records that are not replicated give way? */
  #mayTake(partition: LogPartition, head: SegmentHead): boolean {
    if (this.#parts.topics.configOf(partition).whenFull === "drop-oldest") return true;
    const progress = this.#progress(partition);
    return progress !== undefined && progress >= head.nextOffset;
  }

  async #take(partition: LogPartition, segmentId: number, head: SegmentHead): Promise<void> {
    this.#advance(partition, head.nextOffset);
    await this.#parts.row.release(partition.id, segmentId);
  }

  /** Segments that hold nothing of the partition above its log start let go of it. */
  async #releaseBelowStart(partition: LogPartition): Promise<void> {
    const { row } = this.#parts;
    for (const { id, head } of [...row.headsOf(partition.id)]) {
      if (head.nextOffset > partition.logStartOffset) return;
      await row.release(partition.id, id);
    }
  }

  /** Moves the log start up to `to`, and says what went by whether it was replicated. */
  #advance(partition: LogPartition, to: Offset): void {
    const from = partition.logStartOffset;
    if (to <= from) return;
    const replicatedTo = this.#progress(partition) ?? to;
    let expired = 0;
    let dropped = 0;
    let compacted = 0;
    for (const { head } of this.#parts.row.headsOf(partition.id)) {
      const first = Math.max(from, head.firstOffset);
      const end = Math.min(to, head.nextOffset);
      if (first >= to) break;
      if (first >= end) continue;
      const gone = compactedFrom(head, from) - compactedFrom(head, to);
      // Nothing is compacted before it is replicated.
      const taken = end - first - gone;
      const unreplicated = Math.min(taken, Math.max(0, end - Math.max(first, replicatedTo)));
      compacted += gone;
      dropped += unreplicated;
      expired += taken - unreplicated;
    }
    partition.logStartOffset = to;
    this.#parts.moved(partition, { expired, dropped, compacted });
    if (dropped === 0) return;
    const { topic, index } = partition;
    this.#parts.logger.warn(
      { topic, partition: index, dropped, from: to - dropped, to },
      "records were dropped before they were replicated: retention, the disk budget or a client took them",
    );
  }
}
