/**
 * The row of segments: the newest takes appends, the others are sealed. Owns which segments there
 * are, what each holds of each partition, and the handles that are open.
 *
 * Invariants: the active segment's first commit carries the heads of all partitions and all small
 * state, so any newest segment that was ever committed can be recovered from alone; a handle is
 * only used in the synchronous turn in which it was looked up, so it can be closed between turns.
 */
import type { Clock } from "../base/clock.ts";
import { assert, isTributaryError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { LogPartition } from "./partition.ts";
import { emptyHead, type SegmentHead } from "./segment-head.ts";
import type { SegmentManifest } from "./segment-manifest.ts";
import type { Segment, SegmentWrites, Storage } from "./storage/storage.ts";

/**
 * Sealed segments held open for reading. Each takes address space, and what its map has read counts
 * as our memory until the kernel wants it back; opening one again takes half a millisecond.
 */
const OPEN_SEALED_MAX = 12;
/** The next segment is made when the active one is this full, so that no commit waits for it. */
const PREPARE_AT = 0.75;

/** What a sealed segment holds: heads of the partitions that still have live data in it. */
export interface SealedSegment {
  readonly id: number;
  readonly bytes: number;
  readonly heads: Map<number, SegmentHead>;
}

export interface SegmentRowParts {
  readonly storage: Storage;
  readonly manifest: SegmentManifest;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly segmentBytes: number;
  /** All partitions and all state, for the first commit of a new segment. */
  readonly carry: () => {
    partitions: Iterable<LogPartition>;
    states: Iterable<readonly [string, Uint8Array]>;
  };
  /** Called when a segment turned out to be damaged and was set aside. */
  readonly damaged: (file: string, reason: string, lost: SealedSegment | undefined) => void;
}

export interface RowWrites {
  readonly batches: SegmentWrites["batches"];
  readonly heads: Map<LogPartition, SegmentHead>;
  readonly states: [key: string, value: Uint8Array | undefined][];
  readonly aborted: SegmentWrites["aborted"];
}

export class SegmentRow {
  readonly #parts: SegmentRowParts;
  /** Ascending by id: Map keeps the order in which segments were sealed. */
  readonly #sealed = new Map<number, SealedSegment>();
  /** For each partition, the sealed segments that hold some of it, ascending. */
  readonly #places = new Map<number, number[]>();
  readonly #open = new Map<number, Segment>();
  readonly #closing = new Set<Promise<void>>();
  #active: Segment;
  #activeHeads: Map<number, SegmentHead>;
  #unbornActive: boolean;
  #next: Promise<Segment> | undefined;
  /** Empty segments that were taken away so far. */
  #emptied: Promise<void> = Promise.resolve();
  /** Segments sealed since the start. */
  sealedTotal = 0;

  constructor(
    parts: SegmentRowParts,
    active: Segment,
    heads: ReadonlyMap<number, SegmentHead> | undefined,
    sealed: Iterable<SealedSegment>,
  ) {
    this.#parts = parts;
    this.#active = active;
    this.#activeHeads = new Map(heads);
    this.#unbornActive = heads === undefined;
    for (const segment of sealed) this.#addSealed(segment);
  }

  get count(): number {
    return this.#sealed.size + 1;
  }

  get bytesOnDisk(): number {
    let bytes = this.#active.bytesOnDisk();
    for (const segment of this.#sealed.values()) bytes += segment.bytes;
    return bytes;
  }

  /**
   * What the row will take when the active segment has filled up. A sealed segment with nothing
   * left in it does not count: where it is still there, the next commit takes it away.
   */
  bytesWhenFull(segmentBytes: number): number {
    let bytes = Math.max(segmentBytes, this.#active.bytesOnDisk());
    for (const segment of this.#sealed.values()) if (segment.heads.size > 0) bytes += segment.bytes;
    return bytes;
  }

  /** Sealed segments, oldest first. */
  sealed(): Iterable<SealedSegment> {
    return this.#sealed.values();
  }

  activeHead(partitionId: number): SegmentHead | undefined {
    return this.#activeHeads.get(partitionId);
  }

  /** Seals the active segment and begins the next one, where it is full. */
  async makeRoom(): Promise<void> {
    const bytes = this.#active.bytesOnDisk();
    const { segmentBytes } = this.#parts;
    if (bytes >= segmentBytes * PREPARE_AT) {
      this.#next ??= this.#prepareNext();
      this.#next.catch(() => {});
    }
    if (bytes < segmentBytes || this.#unbornActive) return;
    const next = await this.#takeNext();
    const full = this.#active;
    const sealed = { id: full.id, bytes, heads: withData(this.#activeHeads) };
    this.#addSealed(sealed);
    this.#open.set(full.id, full);
    this.#active = next;
    this.#activeHeads = new Map();
    this.#unbornActive = true;
    this.sealedTotal += 1;
    this.#parts.manifest.write(sealed);
    void this.#close(full.id);
  }

  /** Writes one group into the active segment; resolves when it is flushed. */
  async commit(writes: RowWrites): Promise<void> {
    const heads = new Map<number, SegmentHead>();
    let states: Iterable<readonly [string, Uint8Array | undefined]> = writes.states;
    if (this.#unbornActive) {
      const carry = this.#parts.carry();
      for (const partition of carry.partitions) {
        heads.set(partition.id, emptyHead(partition.highWatermark, partition.leaderEpoch));
      }
      states = [...carry.states, ...writes.states];
    }
    for (const [partition, head] of writes.heads) heads.set(partition.id, head);
    const { batches, aborted } = writes;
    await this.#active.commit({ batches, heads, states, aborted });
    for (const [partitionId, head] of heads) this.#activeHeads.set(partitionId, head);
    if (!this.#unbornActive) return;
    this.#unbornActive = false;
    // The commit is on the disk, whatever becomes of files that nobody needs any more.
    this.#emptied = this.#emptied.then(() => this.#removeEmptied());
  }

  /** Those whose last data went while the small state still lived in them. */
  async #removeEmptied(): Promise<void> {
    for (const id of [...this.#sealed.keys()]) {
      // Another roll came meanwhile; the commit that follows it begins anew.
      if (this.#unbornActive) return;
      if (this.#sealed.get(id)?.heads.size !== 0) continue;
      try {
        await this.#remove(id);
      } catch (error) {
        const fields = { segment: id, error: messageOf(error) };
        this.#parts.logger.warn(fields, "an empty segment could not be removed");
      }
    }
  }

  /**
   * The segment that holds `offset` of a partition, or, where that is lost, the first after it;
   * undefined where there is nothing at or after `offset`.
   */
  locate(partitionId: number, offset: number): { id: number; head: SegmentHead } | undefined {
    for (const id of this.#places.get(partitionId) ?? []) {
      const head = this.#sealed.get(id)?.heads.get(partitionId);
      if (head !== undefined && head.nextOffset > offset) return { id, head };
    }
    const head = this.#activeHeads.get(partitionId);
    if (head === undefined || head.nextOffset <= offset) return undefined;
    return { id: this.#active.id, head };
  }

  /** Heads of a partition's segments that hold data, oldest first, the active one last. */
  *headsOf(partitionId: number): Iterable<{ id: number; head: SegmentHead }> {
    for (const id of this.#places.get(partitionId) ?? []) {
      const head = this.#sealed.get(id)?.heads.get(partitionId);
      if (head !== undefined) yield { id, head };
    }
    const head = this.#activeHeads.get(partitionId);
    if (head !== undefined && head.batches > 0) yield { id: this.#active.id, head };
  }

  /**
   * Runs `use` on an open segment, synchronously once it is open. Undefined where the segment has
   * gone meanwhile, or has just been set aside as damaged.
   */
  async withSegment<Result>(
    id: number,
    use: (segment: Segment) => Result,
  ): Promise<Result | undefined> {
    for (;;) {
      if (id === this.#active.id) return use(this.#active);
      const open = this.#open.get(id);
      if (open !== undefined) {
        this.#open.delete(id);
        this.#open.set(id, open);
        return use(open);
      }
      if (!this.#sealed.has(id)) return undefined;
      await this.#openSealed(id);
    }
  }

  /** Takes a partition's data in a sealed segment out of the log; the last one takes the file too. */
  async release(partitionId: number, id: number): Promise<void> {
    const segment = this.#sealed.get(id);
    if (segment === undefined || !segment.heads.delete(partitionId)) return;
    this.#removePlace(partitionId, id);
    // Until the new active segment has its copy, the small state lives in the last sealed one.
    if (segment.heads.size === 0 && !this.#unbornActive) await this.#remove(id);
  }

  async #remove(id: number): Promise<void> {
    this.#forget(id);
    await this.#close(id);
    await this.#parts.storage.removeSegment(id);
    await this.#parts.manifest.remove(id);
  }

  async close(): Promise<void> {
    await this.#emptied;
    await this.#next?.then((segment) => segment.close()).catch(() => {});
    for (const id of [...this.#open.keys()]) await this.#close(id);
    await Promise.all(this.#closing);
    await this.#active.close();
  }

  async #takeNext(): Promise<Segment> {
    const next = this.#next ?? this.#prepareNext();
    this.#next = undefined;
    return await next;
  }

  /** Noted before it is needed: should no commit ever reach it, the next start takes it away. */
  async #prepareNext(): Promise<Segment> {
    const { storage, manifest } = this.#parts;
    const next = await storage.createSegment(this.#active.id + 1);
    await manifest.begin(next.id);
    return next;
  }

  async #openSealed(id: number): Promise<void> {
    try {
      const segment = await this.#parts.storage.openSegment(id, "read");
      if (!this.#sealed.has(id) || this.#open.has(id)) {
        await segment.close();
        return;
      }
      this.#open.set(id, segment);
      this.#trimOpen(id);
    } catch (error) {
      if (!this.#sealed.has(id)) return;
      if (isTributaryError(error, "STORAGE_BUSY")) throw error;
      const lost = this.#forget(id);
      const file = await this.#parts.storage.setAside(id);
      await this.#parts.manifest.remove(id);
      this.#parts.damaged(file, messageOf(error), lost);
    }
  }

  #addSealed(segment: SealedSegment): void {
    this.#sealed.set(segment.id, segment);
    for (const partitionId of segment.heads.keys()) {
      const places = this.#places.get(partitionId);
      if (places === undefined) this.#places.set(partitionId, [segment.id]);
      else places.push(segment.id);
    }
  }

  #forget(id: number): SealedSegment {
    const segment = this.#sealed.get(id);
    assert(segment !== undefined, `segment ${id} is not a sealed one`);
    this.#sealed.delete(id);
    for (const partitionId of segment.heads.keys()) this.#removePlace(partitionId, id);
    return segment;
  }

  #removePlace(partitionId: number, id: number): void {
    const rest = (this.#places.get(partitionId) ?? []).filter((place) => place !== id);
    if (rest.length === 0) this.#places.delete(partitionId);
    else this.#places.set(partitionId, rest);
  }

  /** Closes the handles used longest ago, but never `keep`. */
  #trimOpen(keep: number): void {
    for (const id of this.#open.keys()) {
      if (this.#open.size <= OPEN_SEALED_MAX) return;
      if (id !== keep) void this.#close(id);
    }
  }

  async #close(id: number): Promise<void> {
    const segment = this.#open.get(id);
    if (segment === undefined) return;
    this.#open.delete(id);
    const closing = segment.close().catch((error: unknown) => {
      this.#parts.logger.warn({ segment: id, error: messageOf(error) }, "a segment did not close");
    });
    this.#closing.add(closing);
    await closing;
    this.#closing.delete(closing);
  }
}

function withData(heads: ReadonlyMap<number, SegmentHead>): Map<number, SegmentHead> {
  return new Map([...heads].filter(([, head]) => head.batches > 0));
}
