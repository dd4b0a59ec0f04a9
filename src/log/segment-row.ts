/**
 * The row of segments: the newest takes appends, the others are sealed. Owns the active one, which
 * segment takes the place of which, the one that is prepared for that, and the handles that are open.
 *
 * Invariants: the active segment's first commit carries the heads of all partitions and all small
 * state, so any newest segment that was ever committed can be recovered from alone; a handle is
 * only used in the synchronous turn in which it was looked up, so it can be closed between turns.
 */
import type { Clock } from "../base/clock.ts";
import { assert, isTributaryError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { LogPartition } from "./partition.ts";
import { asSealed, type Place, type SealedSegment, SealedSegments } from "./sealed-segments.ts";
import { emptyHead, type SegmentHead, saysSomething } from "./segment-head.ts";
import type { SegmentManifest } from "./segment-manifest.ts";
import type { Segment, SegmentWrites, Storage } from "./storage/storage.ts";
import { UnneededSegments } from "./unneeded-segments.ts";

/**
 * Sealed segments held open for reading. Each takes address space, and what its map has read counts
 * as our memory until the kernel wants it back; opening one again takes half a millisecond.
 */
const OPEN_SEALED_MAX = 12;
/** The next segment is made when the active one is this full, so that no commit waits for it. */
const PREPARE_AT = 0.75;

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
  readonly here: boolean;
}

export class SegmentRow {
  readonly #parts: SegmentRowParts;
  readonly #sealed = new SealedSegments();
  readonly #unneeded: UnneededSegments;
  readonly #open = new Map<number, Segment>();
  readonly #closing = new Set<Promise<void>>();
  #active: Segment;
  #activeHeads: Map<number, SegmentHead>;
  #unbornActive: boolean;
  #next: Promise<Segment> | undefined;
  /** While sealed segments give way to a prepared one, nobody opens them. */
  #replacing: Promise<void> | undefined;
  /** What is being written to take a place in the row. */
  #prepared: Segment | undefined;
  #sealAsked = false;
  /** Moves whenever sealed segments have given way to others. */
  replacements = 0;
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
    this.#unneeded = new UnneededSegments(parts);
    for (const segment of sealed) this.#sealed.add(segment);
  }

  get count(): number {
    return this.#sealed.size + 1;
  }

  /** With what is being written again, beside what it is to take the place of. */
  get bytesOnDisk(): number {
    let bytes = this.#active.bytesOnDisk() + this.#unneeded.bytes + this.preparedBytes;
    for (const segment of this.#sealed.all()) bytes += segment.bytes;
    return bytes;
  }

  /** What is being written again takes so far. */
  get preparedBytes(): number {
    return this.#prepared?.bytesOnDisk() ?? 0;
  }

  /**
   * What the row will take when the active segment has filled up. A sealed segment with nothing
   * left in it does not count: where it is still there, it holds the small state, until the next
   * commit has a copy.
   */
  bytesWhenFull(segmentBytes: number): number {
    let bytes = Math.max(segmentBytes, this.#active.bytesOnDisk());
    for (const segment of this.#sealed.all()) if (segment.heads.size > 0) bytes += segment.bytes;
    return bytes;
  }

  /** Sealed segments, oldest first. */
  sealed(): Iterable<SealedSegment> {
    return this.#sealed.all();
  }

  sealedSegment(id: number): SealedSegment | undefined {
    return this.#sealed.get(id);
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
    if ((bytes < segmentBytes && !this.#sealAsked) || this.#unbornActive) return;
    this.#sealAsked = false;
    const next = await this.#takeNext();
    const full = this.#active;
    const sealed = asSealed(full.id, bytes, this.#activeHeads);
    this.#sealed.add(sealed);
    this.#open.set(full.id, full);
    this.#active = next;
    this.#activeHeads = new Map();
    this.#unbornActive = true;
    this.sealedTotal += 1;
    this.#parts.manifest.write(sealed);
    void this.#close(full.id);
  }

  /** The next commit goes to a new segment, however little the active one holds. */
  askSeal(): void {
    this.#sealAsked = true;
  }

  /** Does the next commit carry over what a new segment begins with: every head, and all small state? */
  get carries(): boolean {
    return this.#unbornActive;
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
    const { batches, aborted, here } = writes;
    await this.#active.commit({ batches, heads, states, aborted, here });
    for (const [partitionId, head] of heads) this.#activeHeads.set(partitionId, head);
    if (!this.#unbornActive) return;
    this.#unbornActive = false;
    // The commit is on the disk, whatever becomes of files that nobody needs any more.
    this.#emptied = this.#emptied.then(() => this.removeEmptied());
  }

  /** Those with nothing in them, but for the one that the small state still lives in. */
  async removeEmptied(): Promise<void> {
    for (const { id, heads } of [...this.#sealed.all()]) {
      if (heads.size === 0) await this.#removeEmpty(id);
    }
  }

  /**
   * The segment that holds `offset` of a partition, or, where that is lost, the first after it;
   * undefined where there is nothing at or after `offset`.
   */
  locate(partitionId: number, offset: number): Place | undefined {
    const place = this.#sealed.locate(partitionId, offset);
    if (place !== undefined) return place;
    const head = this.#activeHeads.get(partitionId);
    if (head === undefined || head.nextOffset <= offset) return undefined;
    return { id: this.#active.id, head };
  }

  /** Heads of a partition's sealed segments, the oldest first. */
  sealedHeadsOf(partitionId: number): Place[] {
    return this.#sealed.headsOf(partitionId);
  }

  /** Heads of a partition's segments that hold data, oldest first, the active one last. */
  *headsOf(partitionId: number): Iterable<Place> {
    yield* this.sealedHeadsOf(partitionId);
    const head = this.#activeHeads.get(partitionId);
    if (head !== undefined && saysSomething(head)) yield { id: this.#active.id, head };
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
      if (this.#sealed.get(id) === undefined) return undefined;
      if (this.#replacing === undefined) await this.#openSealed(id);
      else await this.#replacing;
    }
  }

  /** Takes a partition's data in a sealed segment out of the log; the last one takes the file too. */
  async release(partitionId: number, id: number): Promise<void> {
    if (this.#sealed.release(partitionId, id)) await this.#removeEmpty(id);
  }

  /** Makes an empty segment that is to take the place of the sealed segment `id`; one at a time. */
  async prepare(id: number): Promise<Segment> {
    assert(this.#prepared === undefined, "one segment is prepared at a time");
    this.#prepared = await this.#parts.storage.prepareSegment(id);
    return this.#prepared;
  }

  /** Removes a prepared segment that takes no place. */
  async discard(prepared: Segment): Promise<void> {
    try {
      await this.#parts.storage.discardSegment(prepared);
    } finally {
      this.#prepared = undefined;
    }
  }

  /**
   * Puts a prepared segment in the place of sealed ones that follow each other, under the number of
   * the last; the others go. `heads` says what it holds. A reader in the middle of one of them goes
   * on in the new one; and a crash in between leaves segments that the new one holds all of, which
   * the next start finds by that. Answers false, and does nothing, where one of them has gone; where
   * it throws, all of them are in their places still.
   */
  async replace(
    ids: readonly number[],
    prepared: Segment,
    heads: ReadonlyMap<number, SegmentHead>,
  ): Promise<boolean> {
    assert(this.#replacing === undefined, "one segment is replaced at a time");
    if (ids.some((id) => this.#sealed.get(id) === undefined)) return false;
    const next = asSealed(prepared.id, prepared.bytesOnDisk(), heads);
    const replacing = this.#swap(ids, prepared);
    this.#replacing = replacing.catch(() => {});
    try {
      await replacing;
      this.#prepared = undefined;
      for (const gone of this.#sealed.replace(ids, next)) this.#unneeded.add(gone);
      this.replacements += 1;
    } finally {
      this.#replacing = undefined;
      const there = this.#sealed.get(prepared.id);
      if (there !== undefined) this.#parts.manifest.write(there);
    }
    await this.#unneeded.remove();
    return true;
  }

  async #swap(ids: readonly number[], prepared: Segment): Promise<void> {
    const { storage, manifest } = this.#parts;
    // A note of the old one would hide from the next start what the new one says of itself.
    await manifest.remove(prepared.id);
    for (const id of ids) await this.#close(id);
    await storage.replaceSegment(prepared);
  }

  async #removeEmpty(id: number): Promise<void> {
    await this.#replacing;
    // Meanwhile it may have got the place of another one.
    if (this.#sealed.get(id)?.heads.size !== 0 || this.#holdsState(id)) return;
    const empty = this.#sealed.remove(id);
    await this.#close(id);
    this.#unneeded.add(empty);
    await this.#unneeded.remove();
  }

  /** Until the new active segment has its copy, the small state lives in the last sealed one. */
  #holdsState(id: number): boolean {
    return this.#unbornActive && id === this.#sealed.newestId;
  }

  /** Tries again to remove the files that nobody needs and that could not be removed. */
  async removeUnneeded(): Promise<void> {
    await this.#unneeded.remove();
  }

  async close(): Promise<void> {
    await this.#replacing;
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
    const { replacements } = this;
    const isReplaced = () => this.#replacing !== undefined || replacements !== this.replacements;
    try {
      const segment = await this.#parts.storage.openSegment(id, "read");
      if (this.#sealed.get(id) === undefined || this.#open.has(id) || isReplaced()) {
        await segment.close();
        return;
      }
      this.#open.set(id, segment);
      this.#trimOpen(id);
    } catch (error) {
      if (this.#sealed.get(id) === undefined || isReplaced()) return;
      if (isTributaryError(error, "STORAGE_BUSY")) throw error;
      const lost = this.#sealed.remove(id);
      const file = await this.#parts.storage.setAside(id);
      await this.#parts.manifest.remove(id);
      this.#parts.damaged(file, messageOf(error), lost);
    }
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
