/**
 * A disk of a few segments, over memory: it has so much room and no more, also for what is being
 * written again. Each byte of a batch counts for many, so that a test has segments of real sizes, and
 * what the log keeps free beside them, without their bytes.
 */
import { assert, TributaryError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/log/storage/memory-storage.ts";
import type { Segment, SegmentWrites } from "../../src/log/storage/storage.ts";

export class SmallDisk extends MemoryStorage {
  /** What all there is on the disk may take. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** What each file takes beside its batches. */
  overheadBytes = 0;
  /** What other programs say, and may do, before each write. */
  beforeCommit: (segment: Segment, writes: SegmentWrites) => void = () => {};
  /** What waits before a prepared segment takes its place. */
  beforeSwap: (prepared: Segment) => Promise<void> = async () => {};
  /** The segment that cannot be trusted when it is opened next. */
  damaged: number | undefined;
  /** How often it was asked what is free. */
  looks = 0;
  /** Segments that were prepared to take the place of others, so far. */
  preparedCount = 0;
  /** More of them than that are a mistake. */
  preparedMax = Number.POSITIVE_INFINITY;
  readonly #scale: number;
  readonly #files = new Map<string, Segment>();

  constructor(scale: number) {
    super();
    this.#scale = scale;
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const segment of this.#files.values()) bytes += segment.bytesOnDisk();
    return bytes;
  }

  override async freeBytes(): Promise<number> {
    this.looks += 1;
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  override async createSegment(id: number): Promise<Segment> {
    const segment = this.#sized(await super.createSegment(id));
    this.#files.set(`${id}`, segment);
    return segment;
  }

  override async openSegment(id: number): Promise<Segment> {
    if (id !== this.damaged) return await super.openSegment(id);
    this.damaged = undefined;
    throw new TributaryError("SEGMENT_DAMAGED", `Segment ${id} is damaged.`);
  }

  override async prepareSegment(id: number): Promise<Segment> {
    this.preparedCount += 1;
    assert(this.preparedCount <= this.preparedMax, "segments are written again and again");
    const segment = this.#sized(await super.prepareSegment(id));
    this.#files.set("prepared", segment);
    return segment;
  }

  override async replaceSegment(prepared: Segment): Promise<void> {
    await this.beforeSwap(prepared);
    await super.replaceSegment(prepared);
    this.#files.set(`${prepared.id}`, prepared);
    this.#files.delete("prepared");
  }

  override async discardSegment(): Promise<void> {
    this.#files.delete("prepared");
  }

  override async setAside(id: number): Promise<string> {
    this.#files.delete(`${id}`);
    return await super.setAside(id);
  }

  override async removeSegment(id: number): Promise<void> {
    await super.removeSegment(id);
    this.#files.delete(`${id}`);
  }

  #sized(segment: Segment): Segment {
    const commit = segment.commit.bind(segment);
    const batchBytes = segment.bytesOnDisk.bind(segment);
    segment.bytesOnDisk = () => this.overheadBytes + batchBytes() * this.#scale;
    segment.commit = async (writes) => {
      this.beforeCommit(segment, writes);
      const bytes = writes.batches.reduce((sum, { batch }) => sum + batch.length, 0) * this.#scale;
      // A file grows by pages, however little is written.
      if (this.usedBytes + Math.max(bytes, 1) > this.capacityBytes) {
        throw new TributaryError("DISK_FULL", "No space left on device");
      }
      await commit(writes);
    };
    return segment;
  }
}
