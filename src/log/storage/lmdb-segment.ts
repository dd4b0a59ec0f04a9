/** One segment: an LMDB environment of its own, one file, one B-tree (see ../keys.ts). */
import { open, type RootDatabase } from "lmdb";
import { assert } from "../../base/errors.ts";
import { baseOffset } from "../../wire/record-batch.ts";
import {
  BIRTH_KEY,
  baseOffsetOfBatchKey,
  batchKey,
  HEADS_FROM,
  HEADS_TO,
  headKey,
  nameOfStateKey,
  partitionOfHeadKey,
  STATES_FROM,
  STATES_TO,
  stateKey,
} from "../keys.ts";
import type { LogOptions } from "../options.ts";
import { decodeHead, encodeHead, type SegmentHead } from "../segment-head.ts";
import { type Commit, untilFlushed } from "./lmdb-flush.ts";
import type { Segment, SegmentWrites, VisitBatch } from "./storage.ts";

export const SEGMENT_PAGE_BYTES = 4096;
/** Room in the map beyond a full segment and a full group: B-tree pages, small state. */
const MAP_SLACK_BYTES = 64 * 1024 * 1024;

export class LmdbSegment implements Segment {
  readonly id: number;
  readonly #database: RootDatabase<Buffer, Buffer>;
  #bytesOnDisk: number;
  /** The first commit after each opening writes the birth key, so it is never an empty one. */
  #signed = false;

  static open(
    id: number,
    path: string,
    mode: "read" | "write",
    sizes: Pick<LogOptions, "segmentBytes" | "pendingBytesMax" | "stateBytesMax">,
  ): LmdbSegment {
    const mapBytes =
      sizes.segmentBytes + 2 * sizes.pendingBytesMax + 2 * sizes.stateBytesMax + MAP_SLACK_BYTES;
    const options = {
      path,
      noSubdir: true,
      maxDbs: 1,
      encoding: "binary",
      keyEncoding: "binary",
      cache: false,
      separateFlushed: true,
      eventTurnBatching: false,
      txnStartThreshold: 1,
      pageSize: SEGMENT_PAGE_BYTES,
      readOnly: mode === "read",
      ...(mode === "write" ? { mapSize: mapBytes } : {}),
    };
    return new LmdbSegment(id, open(options as unknown as Parameters<typeof open>[0]));
  }

  private constructor(id: number, database: RootDatabase) {
    this.id = id;
    this.#database = database as RootDatabase<Buffer, Buffer>;
    this.#bytesOnDisk = this.#measure();
  }

  async commit({ batches, heads, states }: SegmentWrites): Promise<void> {
    const database = this.#database;
    const commit = database.batch(() => {
      if (!this.#signed) void database.put(BIRTH_KEY, Buffer.from(new Date().toISOString()));
      for (const [partitionId, head] of heads) {
        void database.put(headKey(partitionId), encodeHead(head));
      }
      for (const [key, value] of states) {
        if (value === undefined) void database.remove(stateKey(key));
        else void database.put(stateKey(key), Buffer.from(value));
      }
      for (const { partitionId, batch } of batches) {
        void database.put(batchKey(partitionId, baseOffset(batch)), batch);
      }
    });
    await untilFlushed(commit as Commit);
    this.#signed = true;
    this.#bytesOnDisk = this.#measure();
  }

  heads(): ReadonlyMap<number, SegmentHead> | undefined {
    if (this.#database.getBinary(BIRTH_KEY) === undefined) return undefined;
    const heads = new Map<number, SegmentHead>();
    for (const { key, value } of this.#database.getRange({ start: HEADS_FROM, end: HEADS_TO })) {
      heads.set(partitionOfHeadKey(key), decodeHead(value));
    }
    return heads;
  }

  *states(): Iterable<readonly [string, Buffer]> {
    for (const { key, value } of this.#database.getRange({ start: STATES_FROM, end: STATES_TO })) {
      yield [nameOfStateKey(key), value];
    }
  }

  scan(partitionId: number, from: number, visit: VisitBatch): void {
    const start = this.#floorKey(partitionId, from);
    const end = batchKey(partitionId + 1, 0);
    for (const { key, value } of this.#database.getRange({ start, end, snapshot: false })) {
      if (!visit(value, baseOffsetOfBatchKey(key))) return;
    }
  }

  bytesOnDisk(): number {
    return this.#bytesOnDisk;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** The key of the last batch that does not begin after `offset`, else where the first would be. */
  #floorKey(partitionId: number, offset: number): Buffer {
    const wanted = batchKey(partitionId, offset);
    for (const floor of this.#database.getKeys({ start: wanted, reverse: true, limit: 1 })) {
      if (floor.length === wanted.length && floor.readUInt32BE(0) === partitionId) return floor;
    }
    return wanted;
  }

  #measure(): number {
    const { lastPageNumber } = this.#database.getStats() as { lastPageNumber?: number };
    assert(lastPageNumber !== undefined, "lmdb tells its last page");
    return (lastPageNumber + 1) * SEGMENT_PAGE_BYTES;
  }
}
