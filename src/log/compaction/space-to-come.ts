/**
 * What the cleaner will free by writing sealed segments again, as the disk budget counts on it: looked
 * at once, and again only for a segment of which something was taken, because segments and the
 * partitions in each are many. What the disk has no room to write again does not come.
 */
import type { SealedSegment } from "../sealed-segments.ts";
import { hasRoomForSpace, rewrittenBytes, type SpaceRules, spaceToCome } from "./dead-space.ts";

export class SpaceToCome {
  readonly #rules: SpaceRules;
  readonly #segments = new Map<number, { writtenBytes: number; freedBytes: number }>();

  constructor(segments: Iterable<SealedSegment>, rules: SpaceRules) {
    this.#rules = rules;
    for (const segment of segments) this.look(segment);
  }

  /** Counts the segment as it is now. */
  look(segment: SealedSegment): void {
    const freedBytes = spaceToCome(segment, this.#rules);
    if (freedBytes === 0) this.#segments.delete(segment.id);
    else this.#segments.set(segment.id, { writtenBytes: rewrittenBytes(segment), freedBytes });
  }

  /** In all, where the disk has so much room for that. */
  bytes(roomBytes: number): number {
    let sum = 0;
    for (const { writtenBytes, freedBytes } of this.#segments.values()) {
      if (hasRoomForSpace(writtenBytes, roomBytes)) sum += freedBytes;
    }
    return sum;
  }
}
