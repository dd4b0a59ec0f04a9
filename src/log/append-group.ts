/**
 * What gathers while the last commit is on its way to the disk. Records go straight into one open
 * batch per partition; batches that came whole stand between them in order of arrival.
 *
 * A group belongs to its gatherers until {@link seal}; then it is the group commit's alone.
 */
import { assert, TributaryError } from "../base/errors.ts";
import { type Offset, toOffset } from "../base/offset.ts";
import { BatchBuilder, type EncodedHeaders } from "../wire/batch-builder.ts";
import { controlBatch, type TransactionMarker } from "../wire/control-batch.ts";
import { isTransactional, lastOffsetDelta, producerId } from "../wire/record-batch.ts";
import type { Slices } from "../wire/slices.ts";
import type { BatchBuffers } from "./batch-buffers.ts";
import type { AppendGroup, Partition, PlacedBatch, StateValue } from "./contract.ts";
import { OPEN_BATCH_BYTES_MAX } from "./open-batch.ts";
import type { LogPartition } from "./partition.ts";
import { stateBytes } from "./small-state.ts";
import { OPEN_BYTES, openKey } from "./transactions/open-transaction.ts";

/** A partition whose batches are this large gets room for a full one at once. */
const BUSY_BATCH_BYTES = 32 * 1024;
/** What a record takes at most beside its key, value and headers: seven varints and one byte. */
const RECORD_OVERHEAD_BYTES_MAX = 41;
const BATCH_HEADER_BYTES = 61;
/** What state is taken for that is decided when offsets are: what a producer's is, about. */
const UNDECIDED_STATE_BYTES = 64;

type GatheredState = StateValue | (() => StateValue);

/** What a group asks of the log that it gathers for. */
export interface Gatekeeper {
  /** @throws what forbids `bytes` more for `partition` now. */
  admit(partition: LogPartition, bytes: number, pendingBytes: number): void;
  /** @throws what forbids a transaction marker; a budget does not. */
  admitMarker(partition: LogPartition): void;
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** What may wait in one group; more is refused by {@link admit}. */
  readonly pendingBytesMax: number;
  /** @throws what forbids state under that key, whatever it is. */
  checkState(key: string): void;
  /** @throws STATE_TOO_LARGE; `gathered`: by how much the group makes the state grow so far. */
  checkStateRoom(bytes: number, isNew: boolean, gathered: number): void;
  /** What is flushed under the key, with the key, in bytes; 0 = nothing. */
  stateBytesOf(key: string): number;
  batchBytesMax(partition: LogPartition): number;
  readonly buffers: BatchBuffers;
  /** Called once, when the group gets its first piece of work. */
  begun(): void;
}

/** One batch in the group: offsets are assigned by the group commit. */
export class Placement implements PlacedBatch {
  readonly batch: Buffer;
  /** The log wrote it, from records: nobody else has its bytes. */
  readonly own: boolean;
  logAppendTimeMs = -1;
  #baseOffset: Offset | undefined;

  constructor(batch: Buffer, own: boolean) {
    this.batch = batch;
    this.own = own;
  }

  get baseOffset(): Offset {
    assert(this.#baseOffset !== undefined, "a batch's offset was asked for before its commit");
    return this.#baseOffset;
  }

  place(offset: Offset): Offset {
    this.#baseOffset = offset;
    return toOffset(offset + lastOffsetDelta(this.batch) + 1);
  }
}

interface Lane {
  readonly partition: LogPartition;
  /** As its topic has it now: a group lives for milliseconds. */
  readonly batchBytesMax: number;
  /** An open batch does not grow beyond it, but for a single record that is larger. */
  readonly openBytesMax: number;
  readonly placements: Placement[];
  open: BatchBuilder | undefined;
}

export class GatheringGroup implements AppendGroup {
  readonly flushed: Promise<void>;
  readonly #gatekeeper: Gatekeeper;
  readonly #lanes = new Map<LogPartition, Lane>();
  /** The one that was added to last: mostly the next one, too. */
  #last: Lane | undefined;
  readonly #states = new Map<string, GatheredState>();
  /** Net, in bytes. */
  #stateGrowth = 0;
  #stateAddedBytes = 0;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;
  #begun = false;
  #sealed = false;
  #pendingBytes = 0;
  #awaited: { readonly bytes: number; readonly reached: () => void } | undefined;

  constructor(gatekeeper: Gatekeeper) {
    this.#gatekeeper = gatekeeper;
    this.flushed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // A gatherer that does not wait must not take the process down when the disk is full.
    this.flushed.catch(() => {});
  }

  get begun(): boolean {
    return this.#begun;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Calls `reached` once so many bytes are pending. */
  onceHolding(bytes: number, reached: () => void): void {
    this.#awaited = { bytes, reached };
    this.#look();
  }

  /**
   * By how much it makes the small state grow at most, in bytes: what it removes is not taken off,
   * for the group behind it may put that again.
   */
  get stateAddedBytes(): number {
    return this.#stateAddedBytes;
  }

  addRecord(
    partition: Partition,
    timestampMs: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers?: EncodedHeaders,
  ): void {
    const bytes = recordBytes(key, value === null ? 0 : value.length, headers);
    this.#roomFor(partition, bytes).add(timestampMs, key, value, headers);
  }

  addSlices(
    partition: Partition,
    timestampMs: number,
    key: Uint8Array | null,
    source: Buffer,
    slices: Slices,
    headers?: EncodedHeaders,
  ): number {
    const { count } = slices;
    const overhead = recordBytes(key, 0, headers);
    let nth = 0;
    while (nth < count) {
      let batch: BatchBuilder;
      try {
        batch = this.#roomFor(partition, overhead + slices.bytesOf(nth));
      } catch (error) {
        if (nth === 0) throw error;
        return nth;
      }
      const next = this.#roomForMore(partition, batch, slices, nth, overhead);
      batch.addSlices(timestampMs, key, source, slices, nth, next, headers);
      nth = next;
    }
    return count;
  }

  /** Up to which slice there is room in the open batch, where there is for the one at `first`. */
  #roomForMore(
    partition: Partition,
    batch: BatchBuilder,
    slices: Slices,
    first: number,
    overhead: number,
  ): number {
    const { openBytesMax } = this.#lane(partition as LogPartition);
    const inBatch = openBytesMax - batch.sizeBytes - overhead - slices.bytesOf(first);
    const room = Math.min(inBatch, this.#gatekeeper.pendingBytesMax - this.#pendingBytes);
    let bytes = 0;
    let next = first + 1;
    for (; next < slices.count; next += 1) {
      const more = bytes + overhead + slices.bytesOf(next);
      if (more > room) break;
      bytes = more;
    }
    this.#pendingBytes += bytes;
    if (this.#awaited !== undefined) this.#look();
    return next;
  }

  /** The partition's open batch, which has room for a record of so many bytes. */
  #roomFor(partition: Partition, bytes: number): BatchBuilder {
    const owner = partition as LogPartition;
    const lane = this.#lane(owner);
    const { open } = lane;
    // A batch that is open was admitted: at millions of records a second, that is not asked for each.
    if (open !== undefined && open.sizeBytes + bytes <= lane.openBytesMax && !owner.closed) {
      const pendingBytes = this.#pendingBytes + bytes;
      if (pendingBytes <= this.#gatekeeper.pendingBytesMax) {
        this.#pendingBytes = pendingBytes;
        if (this.#awaited !== undefined) this.#look();
        return open;
      }
    }
    const { batchBytesMax } = lane;
    if (bytes + BATCH_HEADER_BYTES > batchBytesMax) throw tooLarge(owner, bytes, batchBytesMax);
    this.#begin(owner, bytes);
    closeOpen(lane);
    lane.open = this.#openBatch(owner, BATCH_HEADER_BYTES + bytes);
    return lane.open;
  }

  addBatch(partition: Partition, batch: Buffer): PlacedBatch {
    const owner = partition as LogPartition;
    const lane = this.#lane(owner);
    const { batchBytesMax } = lane;
    if (batch.length > batchBytesMax) throw tooLarge(owner, batch.length, batchBytesMax);
    if (isTransactional(batch)) this.#checkTransaction(owner, producerId(batch));
    this.#begin(owner, batch.length);
    return putBatch(lane, batch);
  }

  addMarker(partition: Partition, marker: TransactionMarker): PlacedBatch {
    const owner = partition as LogPartition;
    this.#gatekeeper.admitMarker(owner);
    const batch = controlBatch(marker, this.#gatekeeper.nowMs());
    this.#begin(undefined, batch.length);
    return putBatch(this.#lane(owner), batch);
  }

  /** @throws STATE_TOO_LARGE where it would begin a transaction that there is no room to note. */
  #checkTransaction(partition: LogPartition, id: bigint): void {
    if (partition.transactions?.openOf(id) !== undefined) return;
    const key = openKey(partition.id, id);
    this.#gatekeeper.checkState(key);
    const bytes = key.length + OPEN_BYTES;
    this.#gatekeeper.checkStateRoom(bytes, true, this.#stateGrowth);
    this.#countState(bytes);
  }

  putState(key: string, value: GatheredState): void {
    this.#gatekeeper.checkState(key);
    const before = this.#stateBytesOf(key);
    const growth = bytesAfter(key, value, before) - before;
    if (growth > 0) this.#gatekeeper.checkStateRoom(growth, before === 0, this.#stateGrowth);
    this.#keepState(key, value);
  }

  moveState(from: string, to: string, value: Uint8Array): void {
    this.#gatekeeper.checkState(from);
    this.#gatekeeper.checkState(to);
    this.#keepState(from, undefined);
    this.#keepState(to, value);
  }

  /**
   * The log's own state, which is never refused: without it nothing could be deleted, and that is
   * what makes room.
   */
  putOwnState(key: string, value: StateValue): void {
    this.#gatekeeper.checkState(key);
    this.#keepState(key, value);
  }

  #keepState(key: string, value: GatheredState): void {
    this.#begin(undefined, key.length + (value instanceof Uint8Array ? value.length : 0));
    const before = this.#stateBytesOf(key);
    this.#countState(bytesAfter(key, value, before) - before);
    this.#states.set(key, value);
  }

  #countState(growth: number): void {
    this.#stateGrowth += growth;
    this.#stateAddedBytes += Math.max(0, growth);
  }

  /** As this group leaves it. */
  #stateBytesOf(key: string): number {
    if (!this.#states.has(key)) return this.#gatekeeper.stateBytesOf(key);
    return bytesAfter(key, this.#states.get(key), this.#gatekeeper.stateBytesOf(key));
  }

  /** Closes the group to its gatherers and hands over what it holds, by partition. */
  seal(): readonly { partition: LogPartition; placements: readonly Placement[] }[] {
    assert(!this.#sealed, "a group is committed once");
    this.#sealed = true;
    for (const lane of this.#lanes.values()) closeOpen(lane);
    return [...this.#lanes.values()];
  }

  /** The state to write; call it when the offsets have been assigned. */
  resolveStates(): [key: string, value: StateValue][] {
    const resolved: [string, StateValue][] = [];
    for (const [key, value] of this.#states) {
      resolved.push([key, typeof value === "function" ? value() : value]);
    }
    return resolved;
  }

  resolve(): void {
    this.#giveBack();
    this.#settle?.resolve();
  }

  /** Its buffers are not used again: whether a write that failed has let go of them is not known. */
  reject(error: unknown): void {
    this.#settle?.reject(error);
  }

  #giveBack(): void {
    for (const { placements } of this.#lanes.values()) {
      for (const { own, batch } of placements) if (own) this.#gatekeeper.buffers.giveBack(batch);
    }
  }

  #openBatch({ usualBatchBytes }: LogPartition, bytes: number): BatchBuilder {
    if (usualBatchBytes >= BUSY_BATCH_BYTES && bytes <= OPEN_BATCH_BYTES_MAX) {
      return new BatchBuilder(this.#gatekeeper.buffers.take());
    }
    return new BatchBuilder(Buffer.allocUnsafeSlow(Math.max(bytes, usualBatchBytes)));
  }

  #begin(partition: LogPartition | undefined, bytes: number): void {
    assert(
      !this.#sealed,
      "a sealed group was added to: ask the log for its group after each await",
    );
    if (partition !== undefined) {
      this.#gatekeeper.admit(partition, bytes, this.#pendingBytes);
    }
    this.#pendingBytes += bytes;
    this.#look();
    if (this.#begun) return;
    this.#begun = true;
    this.#gatekeeper.begun();
  }

  #look(): void {
    if (this.#awaited === undefined || this.#pendingBytes < this.#awaited.bytes) return;
    const { reached } = this.#awaited;
    this.#awaited = undefined;
    reached();
  }

  #lane(partition: LogPartition): Lane {
    if (this.#last?.partition === partition) return this.#last;
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      const batchBytesMax = this.#gatekeeper.batchBytesMax(partition);
      const openBytesMax = Math.min(batchBytesMax, OPEN_BATCH_BYTES_MAX);
      lane = { partition, batchBytesMax, openBytesMax, placements: [], open: undefined };
      this.#lanes.set(partition, lane);
    }
    this.#last = lane;
    return lane;
  }
}

/** What a record takes at most. */
function recordBytes(
  key: Uint8Array | null,
  valueBytes: number,
  headers: EncodedHeaders | undefined,
): number {
  const keyBytes = key === null ? 0 : key.length;
  return RECORD_OVERHEAD_BYTES_MAX + keyBytes + valueBytes + (headers?.length ?? 0);
}

/** What an entry will take, 0 where there will be none; what is undecided, as much as `before`. */
function bytesAfter(key: string, value: GatheredState, before: number): number {
  if (value === undefined) return 0;
  if (value instanceof Uint8Array) return stateBytes(key, value);
  return before > 0 ? before : key.length + UNDECIDED_STATE_BYTES;
}

function closeOpen(lane: Lane): void {
  if (lane.open === undefined) return;
  const batch = lane.open.finish();
  lane.partition.noteBatchBytes(batch.length);
  lane.placements.push(new Placement(batch, true));
  lane.open = undefined;
}

function putBatch(lane: Lane, batch: Buffer): Placement {
  closeOpen(lane);
  const placement = new Placement(batch, false);
  lane.placements.push(placement);
  return placement;
}

function tooLarge(partition: LogPartition, bytes: number, bytesMax: number): TributaryError {
  return new TributaryError(
    "RECORD_TOO_LARGE",
    `${bytes} bytes are more than topic ${partition.topic} takes at once: raise its ` +
      `messageBytesMax (${bytesMax}).`,
  );
}
