/**
 * How far one partition of the log has come upstream. Owner of its offset, its producer and its
 * sequences. Pure bookkeeping.
 *
 * Records are counted by slot: one slot for each upstream partition they may go to. `ahead[slot]` is
 * how many of the records from `nextOffset` on that belong to the slot are upstream already, and
 * `sequences[slot]` belongs to the first that is not. So whatever part of a group of batches was
 * acknowledged, the next attempt goes on behind it, and nothing is written twice.
 */
import { assert } from "../base/errors.ts";
import type { Offset } from "../base/offset.ts";
import type { LeftOut } from "../log/contract.ts";
import type { Checkpoint, Placement } from "./checkpoint.ts";
import { addSequence, sequenceDistance } from "./sequence.ts";
import type { ProducerIdentity } from "./sink.ts";

const NOTHING: LeftOut = { control: 0, aborted: 0, compacted: 0 };

export class Position {
  readonly placement: Placement;
  /** The upstream partition of each slot. */
  readonly targets: readonly number[];
  #nextOffset: Offset;
  #producer: ProducerIdentity;
  #upstreamOffset = -1;
  #leftOut: LeftOut;
  readonly #sequences: number[];
  readonly #ahead: number[];

  constructor(
    placement: Placement,
    targets: readonly number[],
    nextOffset: Offset,
    producer: ProducerIdentity,
    leftOut: LeftOut = NOTHING,
  ) {
    this.placement = placement;
    this.targets = targets;
    this.#nextOffset = nextOffset;
    this.#producer = producer;
    this.#leftOut = leftOut;
    this.#sequences = targets.map(() => 0);
    this.#ahead = targets.map(() => 0);
  }

  /** The position of a checkpoint; undefined where it was written for other upstream partitions. */
  static resume(
    placement: Placement,
    targets: readonly number[],
    checkpoint: Checkpoint,
  ): Position | undefined {
    if (checkpoint.placement !== placement) return undefined;
    if (checkpoint.sequences.length !== targets.length) return undefined;
    const { nextOffset, producer, leftOut } = checkpoint;
    const position = new Position(placement, targets, nextOffset, producer, leftOut);
    position.#upstreamOffset = checkpoint.upstreamOffset;
    for (const [slot, sequence] of checkpoint.sequences.entries()) {
      position.#sequences[slot] = sequence;
    }
    return position;
  }

  get nextOffset(): Offset {
    return this.#nextOffset;
  }

  get producer(): ProducerIdentity {
    return this.#producer;
  }

  /** What of all below {@link nextOffset} held nothing for upstream. */
  get leftOut(): LeftOut {
    return this.#leftOut;
  }

  sequence(slot: number): number {
    return this.#sequences[slot] as number;
  }

  ahead(slot: number): number {
    return this.#ahead[slot] as number;
  }

  /** Upstream has acknowledged the next `count` records of `slot`. */
  acknowledge(slot: number, count: number, upstreamOffset: number): void {
    this.#sequences[slot] = addSequence(this.sequence(slot), count);
    this.#ahead[slot] = this.ahead(slot) + count;
    this.#upstreamOffset = upstreamOffset;
  }

  /**
   * All records below `nextOffset` are upstream; of those just passed, `seen[slot]` were a slot's,
   * and `leftOut` were none.
   */
  advance(nextOffset: Offset, seen: readonly number[], leftOut: LeftOut): void {
    assert(nextOffset >= this.#nextOffset, "a position only moves forward");
    this.#nextOffset = nextOffset;
    this.#leftOut = {
      control: this.#leftOut.control + leftOut.control,
      aborted: this.#leftOut.aborted + leftOut.aborted,
      compacted: this.#leftOut.compacted + leftOut.compacted,
    };
    for (const [slot, count] of seen.entries()) {
      this.#ahead[slot] = this.ahead(slot) - count;
      assert(this.ahead(slot) >= 0, "records were passed that are not upstream");
    }
  }

  /** Goes on behind records that the log no longer has. Answers how many offsets that skips. */
  skipTo(logStartOffset: Offset): number {
    const gap = logStartOffset - this.#nextOffset;
    assert(gap > 0, "a gap lies between the position and the log's start");
    this.#nextOffset = logStartOffset;
    for (const slot of this.#ahead.keys()) {
      // By key it is not known whose the lost records were; repeating a few beats missing one.
      this.#ahead[slot] = this.placement === "direct" ? Math.max(0, this.ahead(slot) - gap) : 0;
    }
    return gap;
  }

  /**
   * Takes upstream's word for what this producer has written: `lastSequences` by upstream partition.
   * At most `pendingRecords` can have gone unnoticed. Answers whether that changed anything, or
   * `foreign` where upstream's sequences cannot be this position's.
   */
  reconcile(
    lastSequences: ReadonlyMap<number, number>,
    pendingRecords: number,
  ): "same" | "moved" | "foreign" {
    let outcome: "same" | "moved" = "same";
    const found = this.targets.map((target) => lastSequences.get(target));
    for (const [slot, last] of found.entries()) {
      if (last === undefined) continue;
      const next = addSequence(last, 1);
      const unnoticed = sequenceDistance(this.sequence(slot), next);
      if (unnoticed > pendingRecords - this.ahead(slot)) return "foreign";
      if (unnoticed === 0) continue;
      this.#sequences[slot] = next;
      this.#ahead[slot] = this.ahead(slot) + unnoticed;
      outcome = "moved";
    }
    return outcome;
  }

  /** Goes on as a producer that has written nothing yet. */
  renew(producer: ProducerIdentity): void {
    this.#producer = producer;
    this.#sequences.fill(0);
  }

  /** For `nextOffset`: the sequences that records ahead of it have used are taken back. */
  checkpoint(): Checkpoint {
    return {
      placement: this.placement,
      nextOffset: this.#nextOffset,
      leftOut: this.#leftOut,
      producer: this.#producer,
      upstreamOffset: this.#upstreamOffset,
      sequences: this.#sequences.map((sequence, slot) => addSequence(sequence, -this.ahead(slot))),
    };
  }
}
