/**
 * What gives way when the disk budget is full: the oldest segments, as far as their records may go.
 * Owns whether the log takes appends.
 *
 * Nothing of a topic that is only compacted is ever taken: what such a topic promises is the newest
 * record of each key. So of a segment that it shares, the others' records go, and the cleaner writes
 * what is left again (`compaction/dead-space.ts`). That others always find room, such topics may hold
 * half of the budget; what they hold is compacted whatever it costs then, and they take no more until
 * that has helped.
 */
import type { Clock } from "../base/clock.ts";
import { TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { keepsByKey, keptBytes } from "./compaction/dead-space.ts";
import { SpaceToCome } from "./compaction/space-to-come.ts";
import type { LogPartition } from "./partition.ts";
import type { SealedSegment } from "./sealed-segments.ts";
import type { SegmentHead } from "./segment-head.ts";
import type { SegmentRow } from "./segment-row.ts";
import type { Storage } from "./storage/storage.ts";
import type { TopicTable } from "./topics.ts";

/** Kept free on the disk beside the budget, for the maps, the file system and other programs. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** While appends are refused, at most so often is it looked at again. */
const LOOK_AGAIN_MS = 250;
/** Of the budget, what topics that are only compacted may hold. */
const KEPT_SHARE_MAX = 0.5;
/** The log may be over its budget by so many segments while the cleaner is about to free them. */
const SEGMENTS_TO_COME_MAX = 2;

export interface DiskBudgetParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly storage: Pick<Storage, "freeBytes">;
  readonly row: Pick<
    SegmentRow,
    "bytesOnDisk" | "bytesWhenFull" | "preparedBytes" | "release" | "sealed"
  >;
  readonly topics: Pick<TopicTable, "ofPartition" | "partition">;
  readonly diskBudgetBytes: number;
  readonly segmentBytes: number;
  /** What small state takes of each segment. */
  readonly stateBytes: () => number;
  /** Whether records of a topic that is not only compacted may give way. */
  readonly mayTake: (partition: LogPartition, head: SegmentHead) => boolean;
  readonly take: (partition: LogPartition, segmentId: number, head: SegmentHead) => Promise<void>;
  /** Has retention, and then the cleaner, look whether something may go. */
  readonly lookAgain: () => void;
}

export class DiskBudget {
  readonly #parts: DiskBudgetParts;
  #full = false;
  #keptFull = false;
  #spaceToCome = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: DiskBudgetParts) {
    this.#parts = parts;
  }

  /** It holds as much as it may: what is dead in shared segments is worth writing them again. */
  get isTight(): boolean {
    return this.#full || this.#keptFull || this.#spaceToCome > 0;
  }

  /** Compacted topics hold so much that they are to be compacted whatever it costs. */
  get isFullOfKept(): boolean {
    return this.#full || this.#keptFull;
  }

  /** @throws DISK_BUDGET_FULL while the budget is full and nothing may give way. */
  check(partition: LogPartition): void {
    if (!this.#full && !(this.#keptFull && this.#keepsByKey(partition.id))) return;
    this.#lookAgain();
    throw this.#refusal(partition);
  }

  /** Takes from the oldest segments until the active one can fill up within the budget. */
  async fit(): Promise<void> {
    const { row, storage, segmentBytes, diskBudgetBytes } = this.#parts;
    const diskBytes = row.bytesOnDisk + (await storage.freeBytes()) - DISK_RESERVE_BYTES;
    const budgetBytes = Math.min(diskBudgetBytes, diskBytes);
    // To write segments again, with what one of them takes already. What goes makes more of it.
    const roomBytes = () => diskBytes + DISK_RESERVE_BYTES - (row.bytesOnDisk - row.preparedBytes);
    const coming = this.#allToCome();
    for (const segment of [...row.sealed()]) {
      if (row.bytesWhenFull(segmentBytes) - coming.bytes(roomBytes()) <= budgetBytes) break;
      if (!(await this.#takeFrom(segment))) break;
      coming.look(segment);
    }
    const bytes = row.bytesWhenFull(segmentBytes);
    // The cleaner may have written some again meanwhile.
    const toComeBytes = this.#allToCome().bytes(roomBytes());
    const soonBytes = Math.min(toComeBytes, SEGMENTS_TO_COME_MAX * segmentBytes);
    this.#spaceToCome = bytes > budgetBytes ? toComeBytes : 0;
    // The disk itself has what it has: there, what is to come does not count.
    this.#setFull(bytes - soonBytes > diskBudgetBytes || bytes > diskBytes, budgetBytes);
    this.#setKeptFull(budgetBytes);
  }

  #refusal({ topic }: LogPartition): TributaryError {
    const { diskBudgetBytes } = this.#parts;
    const message = this.#full
      ? `The disk budget of ${diskBudgetBytes} bytes is full of records that must not be dropped, ` +
        `so ${topic} takes no more: raise --log-disk-budget-bytes, let the upstream catch up, or ` +
        "set the topic's whenFull to drop-oldest."
      : `Compacted topics hold half of the disk budget of ${diskBudgetBytes} bytes, and nothing of ` +
        `them may be dropped, so ${topic} takes no more: raise --log-disk-budget-bytes, let the ` +
        "upstream catch up, or set the topic's cleanupPolicy to compact,delete.";
    return new TributaryError("DISK_BUDGET_FULL", message);
  }

  /** Whoever is refused has it looked at soon whether there is room again. */
  #lookAgain(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return;
    this.#lookedMs = nowMs;
    this.#parts.lookAgain();
  }

  /** Answers false where something in it must neither go nor be left behind. */
  async #takeFrom(segment: SealedSegment): Promise<boolean> {
    const { row, topics, mayTake, take } = this.#parts;
    const owners = [...segment.heads]
      .filter(([id]) => !this.#keepsByKey(id))
      .map(([id, head]) => ({ partition: topics.partition(id), id, head }));
    const pinned = owners.some(
      ({ partition, head }) => partition !== undefined && !mayTake(partition, head),
    );
    if (pinned) return false;
    for (const { partition, id, head } of owners) {
      if (partition === undefined) await row.release(id, segment.id);
      else await take(partition, segment.id, head);
    }
    return true;
  }

  #allToCome(): SpaceToCome {
    const { row, segmentBytes, stateBytes } = this.#parts;
    return new SpaceToCome(row.sealed(), {
      segmentBytes,
      stateBytes: stateBytes(),
      isTight: true,
      keepsByKey: (id) => this.#keepsByKey(id),
    });
  }

  #setFull(full: boolean, budgetBytes: number): void {
    if (full === this.#full) return;
    this.#full = full;
    const { row, logger } = this.#parts;
    const figures = { bytesOnDisk: row.bytesOnDisk, budgetBytes };
    if (full) logger.error(figures, "the disk budget is full: appends are refused");
    else logger.info(figures, "the disk budget has room again");
  }

  #setKeptFull(budgetBytes: number): void {
    const { row, logger } = this.#parts;
    let bytes = 0;
    for (const segment of row.sealed()) bytes += keptBytes(segment, (id) => this.#keepsByKey(id));
    const full = bytes > budgetBytes * KEPT_SHARE_MAX;
    if (full === this.#keptFull) return;
    this.#keptFull = full;
    const figures = { compactedBytes: bytes, budgetBytes };
    if (full) {
      logger.error(figures, "compacted topics hold half of the disk budget: they take no more");
    } else logger.info(figures, "compacted topics have room again");
  }

  #keepsByKey(partitionId: number): boolean {
    return keepsByKey(this.#parts.topics, partitionId);
  }
}
