/**
 * Fills a prepared segment in flushed commits of bounded size, so that neither memory nor one flush
 * grows with the segment. Nobody reads it before it has taken its place.
 */
import type { SegmentHead } from "../segment-head.ts";
import type { AbortedEntry, Segment, SegmentBatch } from "../storage/storage.ts";

/** One commit: large enough that a card writes whole blocks, small enough to leave room for others. */
const COMMIT_BYTES = 2 * 1024 * 1024;
const ABORTED_ENTRY_BYTES = 64;

export class PreparedWriter {
  readonly #segment: Segment;
  #batches: SegmentBatch[] = [];
  #states: (readonly [string, Uint8Array])[] = [];
  #aborted: AbortedEntry[] = [];
  #bytes = 0;

  constructor(segment: Segment) {
    this.#segment = segment;
  }

  async add(partitionId: number, batch: Buffer, baseOffset: number): Promise<void> {
    this.#batches.push({ partitionId, batch, baseOffset });
    await this.#grow(batch.length);
  }

  async addStates(states: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    this.#states.push(...states);
    await this.#grow(states.reduce((sum, [key, value]) => sum + key.length + value.length, 0));
  }

  async addAborted(entries: readonly AbortedEntry[]): Promise<void> {
    this.#aborted.push(...entries);
    await this.#grow(entries.length * ABORTED_ENTRY_BYTES);
  }

  /** Writes what is left, with the heads: from then on the segment is whole. */
  async finish(heads: ReadonlyMap<number, SegmentHead>): Promise<void> {
    await this.#commit(heads);
  }

  async #grow(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes >= COMMIT_BYTES) await this.#commit(new Map());
  }

  async #commit(heads: ReadonlyMap<number, SegmentHead>): Promise<void> {
    const writes = {
      batches: this.#batches,
      heads,
      states: this.#states,
      aborted: this.#aborted,
    };
    this.#batches = [];
    this.#states = [];
    this.#aborted = [];
    this.#bytes = 0;
    await this.#segment.commit(writes);
  }
}
