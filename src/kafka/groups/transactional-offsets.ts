/**
 * Offsets that are committed with a producer's transaction: kept aside until it ends, then applied,
 * or dropped, in the group commit that ends it. The transaction coordinator decides when, and lets
 * one thing at a time happen to one producer.
 */
import type { Clock } from "../../base/clock.ts";
import type { AppendGroup, Log, MarkerKind } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import {
  type CheckedOffset,
  type GroupOffsets,
  type OffsetCommit,
  putChecked,
  written,
} from "./offsets.ts";
import type { PendingOffsets } from "./pending-offsets.ts";

export class TransactionalOffsets {
  readonly pending: PendingOffsets;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #offsets: GroupOffsets;

  constructor(log: Log, clock: Clock, offsets: GroupOffsets, pending: PendingOffsets) {
    this.#log = log;
    this.#clock = clock;
    this.#offsets = offsets;
    this.pending = pending;
  }

  /** Keeps them aside; an error (or NONE) for each, when those accepted are on disk. */
  async add(
    group: string,
    producerId: number,
    commits: readonly OffsetCommit[],
  ): Promise<KafkaErrorName[]> {
    const append = this.#log.group();
    const put: CheckedOffset[] = [];
    const checked = this.#offsets.check(group, commits, (place) =>
      this.pending.has(producerId, place),
    );
    const results = checked.map((one) => {
      if (typeof one === "string") return one;
      const result = putPending(() => this.pending.putIn(append, producerId, one));
      if (result === "NONE") put.push(one);
      return result;
    });
    if (put.length === 0) return results;
    const outcome = await written(append.flushed, results);
    if (outcome.includes("NONE")) this.pending.keep(producerId, put);
    return outcome;
  }

  /** Applies or drops what the producer has pending, in the group commit that ends its transaction. */
  endIn(append: AppendGroup, producerId: number, kind: MarkerKind): void {
    this.pending.removeIn(append, producerId);
    if (kind === "abort") return;
    const committedAtMs = this.#clock.nowMs();
    for (const { place, record } of this.pending.of(producerId)) {
      // Not those of a topic that is no more, or is another one by that name.
      if (this.#log.topic(place.topic)?.id !== record.topicId) continue;
      this.pending.moveIn(append, producerId, { place, record: { ...record, committedAtMs } });
    }
  }

  /** Call it when {@link endIn} is on disk. */
  ended(producerId: number): void {
    this.pending.forget(producerId);
  }
}

/** Java's producer takes the error of a plain commit for its end here; this one it tries again. */
function putPending(put: () => void): KafkaErrorName {
  const result = putChecked(put);
  return result === "INVALID_COMMIT_OFFSET_SIZE" ? "COORDINATOR_NOT_AVAILABLE" : result;
}
