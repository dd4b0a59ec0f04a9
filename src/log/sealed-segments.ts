/**
 * The sealed segments of the row: owns which there are, what each holds of each partition, and in
 * which of them a partition has anything. Nothing here knows of files.
 */
import { assert } from "../base/errors.ts";
import { type SegmentHead, saysSomething } from "./segment-head.ts";

/** What a sealed segment holds: heads of the partitions that still have live data in it. */
export interface SealedSegment {
  readonly id: number;
  /** What its file takes on the disk. */
  readonly bytes: number;
  /** Of the batches that it was sealed with; what is gone of them is still in the file. */
  readonly batchBytes: number;
  readonly heads: Map<number, SegmentHead>;
}

export interface Place {
  readonly id: number;
  readonly head: SegmentHead;
}

export class SealedSegments {
  /** Ascending by id: Map keeps the order in which segments were sealed. */
  readonly #segments = new Map<number, SealedSegment>();
  /** For each partition, the segments that hold some of it, ascending. */
  readonly #places = new Map<number, number[]>();
  /** It may have gone since. */
  #newestId: number | undefined;

  get size(): number {
    return this.#segments.size;
  }

  /** Oldest first. */
  all(): IterableIterator<SealedSegment> {
    return this.#segments.values();
  }

  /** Of the one that was sealed last; undefined where there is none. */
  get newestId(): number | undefined {
    return this.#newestId;
  }

  get(id: number): SealedSegment | undefined {
    return this.#segments.get(id);
  }

  add(segment: SealedSegment): void {
    this.#segments.set(segment.id, segment);
    this.#newestId = Math.max(this.#newestId ?? 0, segment.id);
    for (const partitionId of segment.heads.keys()) this.#addPlace(partitionId, segment.id);
  }

  remove(id: number): SealedSegment {
    const segment = this.#segments.get(id);
    assert(segment !== undefined, `segment ${id} is not a sealed one`);
    this.#segments.delete(id);
    for (const partitionId of segment.heads.keys()) this.#removePlace(partitionId, id);
    return segment;
  }

  /** Whether the segment has nothing left, now that it holds nothing of the partition any more. */
  release(partitionId: number, id: number): boolean {
    const segment = this.#segments.get(id);
    if (segment === undefined || !segment.heads.delete(partitionId)) return false;
    this.#removePlace(partitionId, id);
    return segment.heads.size === 0;
  }

  /**
   * Puts `next` in the place of segments that follow each other, the last of which has its number.
   * What was released of them before stays released. Answers those that are no more.
   */
  replace(ids: readonly number[], next: SealedSegment): SealedSegment[] {
    const before = ids.flatMap((id) => this.#segments.get(id) ?? []);
    const held = new Set(before.flatMap(({ heads }) => [...heads.keys()]));
    for (const { id, heads } of before) {
      for (const partitionId of heads.keys()) this.#removePlace(partitionId, id);
      if (id !== next.id) this.#segments.delete(id);
    }
    const heads = new Map([...next.heads].filter(([partitionId]) => held.has(partitionId)));
    // The last one is there, so the new one takes over its place in the order.
    this.add({ ...next, heads });
    return before.filter(({ id }) => id !== next.id);
  }

  /** Heads of a partition, the oldest first. */
  headsOf(partitionId: number): Place[] {
    return (this.#places.get(partitionId) ?? []).flatMap((id) => {
      const head = this.#segments.get(id)?.heads.get(partitionId);
      return head === undefined ? [] : [{ id, head }];
    });
  }

  /** The segment that holds `offset` of a partition, or the first after it; undefined = none. */
  locate(partitionId: number, offset: number): Place | undefined {
    for (const id of this.#places.get(partitionId) ?? []) {
      const head = this.#segments.get(id)?.heads.get(partitionId);
      if (head !== undefined && head.nextOffset > offset) return { id, head };
    }
    return undefined;
  }

  #addPlace(partitionId: number, id: number): void {
    const places = this.#places.get(partitionId);
    if (places === undefined) this.#places.set(partitionId, [id]);
    else if (id > (places.at(-1) as number)) places.push(id);
    else if (!places.includes(id)) {
      places.push(id);
      places.sort((one, other) => one - other);
    }
  }

  #removePlace(partitionId: number, id: number): void {
    const rest = (this.#places.get(partitionId) ?? []).filter((place) => place !== id);
    if (rest.length === 0) this.#places.delete(partitionId);
    else this.#places.set(partitionId, rest);
  }
}

/** A segment with the heads that it is sealed with, of which those that say something are kept. */
export function asSealed(
  id: number,
  bytes: number,
  heads: ReadonlyMap<number, SegmentHead>,
): SealedSegment {
  const kept = new Map([...heads].filter(([, head]) => saysSomething(head)));
  let batchBytes = 0;
  for (const head of kept.values()) batchBytes += head.bytes;
  return { id, bytes, batchBytes, heads: kept };
}
