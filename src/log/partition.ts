import type { Offset } from "../base/offset.ts";
import type { Partition } from "./contract.ts";
import type { PartitionTransactions } from "./transactions/partition-transactions.ts";

/**
 * A partition's place in the log. The group commit alone moves `highWatermark` and `transactions`,
 * retention alone moves `logStartOffset`, the topic table alone sets `closed` and `deleted`, the
 * gathering group `lastBatchBytes`.
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
  /** How large its last batch of single records was: what the next may need room for. */
  lastBatchBytes = 0;
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

  get lastStableOffset(): Offset {
    const open = this.transactions?.firstOpenOffset;
    if (open === undefined) return this.highWatermark;
    // What retention took of an open transaction holds back nobody.
    return open < this.logStartOffset ? this.logStartOffset : open;
  }
}
