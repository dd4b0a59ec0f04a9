/**
 * A storage without a disk: the same contract in arrays and maps, for tests and for trying things.
 * It outlives the log that uses it, so that a test can close a log and open it again.
 */
import { assert, TributaryError } from "../../base/errors.ts";
import { baseOffset } from "../../wire/record-batch.ts";
import type { AbortedTransaction, KeyValues } from "../contract.ts";
import type { SegmentHead } from "../segment-head.ts";
import { MemoryKeyValues } from "./memory-key-values.ts";
import type { AbortedEntry, Segment, SegmentWrites, Storage, VisitBatch } from "./storage.ts";
import { StorageFailure } from "./storage-failure.ts";

export class MemoryStorage implements Storage {
  readonly failure = new StorageFailure();
  readonly #segments = new Map<number, MemorySegment>();
  readonly #maps = new Map<string, MemoryKeyValues>();

  async segmentIds(): Promise<number[]> {
    return [...this.#segments.keys()].sort((a, b) => a - b);
  }

  async createSegment(id: number): Promise<Segment> {
    assert(!this.#segments.has(id), `segment ${id} exists`);
    const segment = new MemorySegment(id);
    this.#segments.set(id, segment);
    return segment;
  }

  async openSegment(id: number): Promise<Segment> {
    const segment = this.#segments.get(id);
    if (segment === undefined) {
      throw new TributaryError("SEGMENT_DAMAGED", `Segment ${id} does not exist.`);
    }
    return segment;
  }

  async prepareSegment(id: number): Promise<Segment> {
    return new MemorySegment(id);
  }

  async replaceSegment(prepared: Segment): Promise<void> {
    this.#segments.set(prepared.id, prepared as MemorySegment);
  }

  async discardSegment(): Promise<void> {}

  async removeSegment(id: number): Promise<void> {
    this.#segments.delete(id);
  }

  async setAside(id: number): Promise<string> {
    this.#segments.delete(id);
    return `segment-${id}.damaged`;
  }

  async segmentBytes(id: number): Promise<number> {
    return this.#segments.get(id)?.bytesOnDisk() ?? 0;
  }

  async freeBytes(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  keyValues(name: string): KeyValues {
    let map = this.#maps.get(name);
    if (map === undefined) {
      map = new MemoryKeyValues();
      this.#maps.set(name, map);
    }
    return map;
  }

  async close(): Promise<void> {}
}

class MemorySegment implements Segment {
  readonly id: number;
  readonly #batches = new Map<number, Buffer[]>();
  readonly #states = new Map<string, Buffer>();
  /** In the order of their markers. */
  readonly #aborted: AbortedEntry[] = [];
  #heads: Map<number, SegmentHead> | undefined;
  #bytes = 0;
  /** What a visitor sees, and only while it looks: so whoever keeps it is found out. */
  #view = Buffer.alloc(0);

  constructor(id: number) {
    this.id = id;
  }

  async commit({ batches, heads, states, aborted }: SegmentWrites): Promise<void> {
    await new Promise(setImmediate);
    for (const { partitionId, batch } of batches) {
      const row = this.#batches.get(partitionId);
      const copy = Buffer.from(batch);
      if (row === undefined) this.#batches.set(partitionId, [copy]);
      else row.push(copy);
      this.#bytes += batch.length;
    }
    this.#aborted.push(...aborted);
    this.#heads ??= new Map();
    for (const [partitionId, head] of heads) this.#heads.set(partitionId, head);
    for (const [key, value] of states) {
      if (value === undefined) this.#states.delete(key);
      else this.#states.set(key, Buffer.from(value));
    }
  }

  heads(): ReadonlyMap<number, SegmentHead> | undefined {
    return this.#heads === undefined ? undefined : new Map(this.#heads);
  }

  states(after = ""): Iterable<readonly [string, Buffer]> {
    const rest = [...this.#states].filter(([key]) => key > after);
    return rest.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  scan(partitionId: number, from: number, visit: VisitBatch): void {
    const row = this.#batches.get(partitionId) ?? [];
    for (let index = floorIndex(row, from); index < row.length; index += 1) {
      const batch = row[index] as Buffer;
      if (this.#view.length < batch.length) this.#view = Buffer.alloc(batch.length);
      const view = this.#view.subarray(0, batch.copy(this.#view));
      const goesOn = visit(view, baseOffset(batch));
      view.fill(0);
      if (!goesOn) return;
    }
  }

  nextAborted(
    partitionId: number,
    producerId: bigint,
    from: number,
  ): AbortedTransaction | undefined {
    const found = this.#aborted.find(
      (entry) =>
        entry.partitionId === partitionId &&
        entry.producerId === producerId &&
        entry.lastOffset >= from,
    );
    if (found === undefined) return undefined;
    const { firstOffset, lastOffset } = found;
    return { producerId, firstOffset, lastOffset };
  }

  allAborted(after?: AbortedEntry): Iterable<AbortedEntry> {
    const all = this.#aborted.toSorted(compareEntries);
    return after === undefined ? all : all.filter((entry) => compareEntries(entry, after) > 0);
  }

  bytesOnDisk(): number {
    return this.#bytes;
  }

  async close(): Promise<void> {}
}

/** Index of the last batch whose base offset is not above `offset`, else 0. */
function floorIndex(row: readonly Buffer[], offset: number): number {
  let low = 0;
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (baseOffset(row[middle] as Buffer) <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** As their keys compare on a disk. */
function compareEntries(one: AbortedEntry, other: AbortedEntry): number {
  if (one.partitionId !== other.partitionId) return one.partitionId - other.partitionId;
  if (one.producerId !== other.producerId) return one.producerId < other.producerId ? -1 : 1;
  return one.lastOffset - other.lastOffset;
}
