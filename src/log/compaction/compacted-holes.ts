import { type Offset, toOffset } from "../../base/offset.ts";
import type { OffsetRange } from "../contract.ts";
import type { SegmentHead } from "../segment-head.ts";

/**
 * Tells, for a reader that goes through one segment, which of the offsets without a batch are
 * compacted. In a segment that nothing was compacted in, none is: what is missing there is lost, and
 * so is what follows a damaged batch, whose end nobody knows.
 */
export class CompactedHoles {
  readonly found: OffsetRange[] = [];
  readonly #compacted: boolean;
  #at: Offset;
  #lost = false;

  /** `from`: where the reader begins; what lies ahead of the segment is not of this one. */
  constructor(head: SegmentHead, from: Offset) {
    this.#compacted = head.compacted > 0;
    this.#at = toOffset(Math.max(from, head.firstOffset));
  }

  /** There is nothing between where the reader was and `to`. */
  passTo(to: number): void {
    if (to <= this.#at) return;
    if (this.#compacted && !this.#lost) this.found.push({ from: this.#at, to: toOffset(to) });
    this.#at = toOffset(to);
  }

  /** A whole batch ends before `offset`. */
  resumeAt(offset: Offset): void {
    this.#at = offset;
    this.#lost = false;
  }

  /** The batch that is stored under `base` is damaged. */
  lostAt(base: number): void {
    this.passTo(base);
    this.#lost = true;
  }
}
