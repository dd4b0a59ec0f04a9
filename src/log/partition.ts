import type { Offset } from "../base/offset.ts";
import type { Partition } from "./contract.ts";
import type { PartitionTransactions } from "./transactions/partition-transactions.ts";

/** Of what was usual, after a batch that was smaller. */
const USUAL_KEPT = 0.75;

/**
 * A partition's place in the log. The group commit alone moves `highWatermark` and `transactions`,
 * retention alone moves `logStartOffset`, the topic table alone sets `closed` and `deleted`, the
 * gathering group `usualBatchBytes`.
 */
export class LogPartition implements Partition {
  readonly topic: string;
  readonly index: number;
  readonly id: number;
  logStartOffset: Offset;
  highWatermark: Offset;
  leaderEpoch: number;
  /** It takes no more: it is deleted, or that is on its way to the disk, which may yet refuse it. */
  closed = false;
  deleted = false;
  /** How large its batches of single records have been lately: what the next may need room for. */
  usualBatchBytes = 0;
  /** Undefined where there never was one. */
  transactions: PartitionTransactions | undefined;

  constructor(
    place: { topic: string; index: number; id: number },
    offsets: { logStartOffset: Offset; nextOffset: Offset; leaderEpoch: number },
  ) {
    this.topic = place.topic;
    this.index = place.index;
    this.id = place.id;
    this.logStartOffset = offsets.logStartOffset;
    this.highWatermark = offsets.nextOffset;
    this.leaderEpoch = offsets.leaderEpoch;
  }

  /** Groups vary in size: one that is smaller takes a part of what is usual, and not all of it. */
  noteBatchBytes(bytes: number): void {
    this.usualBatchBytes = Math.max(bytes, Math.floor(this.usualBatchBytes * USUAL_KEPT));
  }

  get lastStableOffset(): Offset {
    const open = this.transactions?.firstOpenOffset;
    if (open === undefined) return this.highWatermark;
    // What retention took of an open transaction holds back nobody.
    return open < this.logStartOffset ? this.logStartOffset : open;
  }
}
