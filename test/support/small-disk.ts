/**
 * A disk of a few segments, over memory: it has so much room and no more, also for what is being
 * written again. Each byte of a batch counts for many, so that a test has segments of real sizes, and
 * what the log keeps free beside them, without their bytes.
 */
import { TributaryError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/log/storage/memory-storage.ts";
import type { Segment, SegmentWrites } from "../../src/log/storage/storage.ts";

export class SmallDisk extends MemoryStorage {
  /** What all there is on the disk may take. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** What each file takes beside its batches. */
  overheadBytes = 0;
  /** What other programs say, and may do, before each write. */
  beforeCommit: (segment: Segment, writes: SegmentWrites) => void = () => {};
  /** Segments that were prepared to take the place of others, so far. */
  preparedCount = 0;
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
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  override async createSegment(id: number): Promise<Segment> {
    const segment = this.#sized(await super.createSegment(id));
    this.#files.set(`${id}`, segment);
    return segment;
  }

  override async prepareSegment(id: number): Promise<Segment> {
    this.preparedCount += 1;
    const segment = this.#sized(await super.prepareSegment(id));
    this.#files.set("prepared", segment);
    return segment;
  }

  override async replaceSegment(prepared: Segment): Promise<void> {
    await super.replaceSegment(prepared);
    this.#files.set(`${prepared.id}`, prepared);
    this.#files.delete("prepared");
  }

  override async discardSegment(): Promise<void> {
    this.#files.delete("prepared");
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
