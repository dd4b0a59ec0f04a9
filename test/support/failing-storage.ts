/** A storage over memory whose disk fails when a test says so, as LMDB's does. */
import { TributaryError } from "../../src/base/errors.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { MemoryStorage } from "../../src/log/storage/memory-storage.ts";
import type { Segment, SegmentWrites, Storage } from "../../src/log/storage/storage.ts";
import { StorageFailure } from "../../src/log/storage/storage-failure.ts";

/** What the disk does to a write: it fails, it is full, or it takes its time. */
export type Fate = "fails" | "full" | Promise<void>;

/** One process's view of the disk: a new one over the same memory is what a restart finds. */
export class FailingStorage implements Storage {
  readonly failure = new StorageFailure();
  readonly #disk: MemoryStorage;
  readonly #prepared = new WeakMap<Segment, Segment>();
  /** Calls that fail once for want of something, as where the process has no descriptors left. */
  readonly busy = new Set<keyof Storage>();
  /** The next opening of a segment waits for it. */
  opening: Promise<void> | undefined;
  #fates: Fate[] = [];
  /** Whether a write waits for its fate. */
  waiting = false;

  constructor(disk: MemoryStorage) {
    this.#disk = disk;
  }

  /** What becomes of the next writes, one each. */
  next(...fates: Fate[]): void {
    this.#fates = fates;
  }

  segmentIds(): Promise<number[]> {
    return this.#disk.segmentIds();
  }

  async createSegment(id: number): Promise<Segment> {
    return this.#failing(await this.#disk.createSegment(id));
  }

  async openSegment(id: number): Promise<Segment> {
    this.#checkBusy("openSegment");
    const { opening } = this;
    this.opening = undefined;
    await opening;
    return this.#failing(await this.#disk.openSegment(id));
  }

  async prepareSegment(id: number): Promise<Segment> {
    this.#checkBusy("prepareSegment");
    const own = await this.#disk.prepareSegment(id);
    const failing = this.#failing(own);
    this.#prepared.set(failing, own);
    return failing;
  }

  async replaceSegment(prepared: Segment): Promise<void> {
    this.#checkBusy("replaceSegment");
    await this.#written();
    const own = this.#prepared.get(prepared);
    if (own !== undefined) await this.#disk.replaceSegment(own);
  }

  discardSegment(): Promise<void> {
    return this.#disk.discardSegment();
  }

  async removeSegment(id: number): Promise<void> {
    this.#checkBusy("removeSegment");
    await this.#disk.removeSegment(id);
  }

  setAside(id: number): Promise<string> {
    return this.#disk.setAside(id);
  }

  segmentBytes(id: number): Promise<number> {
    return this.#disk.segmentBytes(id);
  }

  freeBytes(): Promise<number> {
    return this.#disk.freeBytes();
  }

  keyValues(name: string): KeyValues {
    const map = this.#disk.keyValues(name);
    return {
      get: (key) => map.get(key),
      entries: (range) => map.entries(range),
      write: async (changes) => {
        await this.#written();
        await map.write(changes);
      },
      removeRange: async (start, end, limit) => {
        await this.#written();
        return await map.removeRange(start, end, limit);
      },
    };
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  #failing(segment: Segment): Segment {
    return {
      id: segment.id,
      commit: async (writes: SegmentWrites) => {
        await this.#written();
        await segment.commit(writes);
      },
      heads: () => segment.heads(),
      states: (after) => segment.states(after),
      allAborted: (after) => segment.allAborted(after),
      nextAborted: (partitionId, producerId, from) =>
        segment.nextAborted(partitionId, producerId, from),
      scan: (partitionId, from, visit) => segment.scan(partitionId, from, visit),
      bytesOnDisk: () => segment.bytesOnDisk(),
      close: () => segment.close(),
    };
  }

  #checkBusy(call: keyof Storage): void {
    if (this.busy.delete(call)) throw new TributaryError("STORAGE_BUSY", "Too many open files");
  }

  async #written(): Promise<void> {
    this.failure.check();
    const fate = this.#fates.shift();
    if (fate === "fails") throw this.failure.trip(new Error("Input/output error"));
    if (fate === "full") throw new TributaryError("DISK_FULL", "No space left on device");
    this.waiting = fate !== undefined;
    await fate;
    this.waiting = false;
  }
}
