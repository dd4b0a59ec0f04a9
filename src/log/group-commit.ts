/**
 * The one writer of the log: takes the group that has gathered, assigns offsets, writes it in one
 * transaction, waits for the flush, and only then lets anybody see it. While it waits, the next
 * group gathers. How long a group gathers, and which thread commits it, {@link CommitPace} says;
 * where one follows another at once, the last one's gatherers are told while the disk has the next.
 *
 * Invariants: one commit at a time; a high watermark moves only after its flush; a commit that
 * fails leaves no offset used and no state changed, and where the disk failed, it is the last.
 */
import type { Clock } from "../base/clock.ts";
import { isTributaryError, messageOf, TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import {
  assignOffset,
  isControl,
  isTransactional,
  maxTimestampMs,
  recordCount,
  stampLogAppendTime,
} from "../wire/record-batch.ts";
import { type Gatekeeper, GatheringGroup, type Placement } from "./append-group.ts";
import { BatchBuffers } from "./batch-buffers.ts";
import { CommitPace } from "./commit-pace.ts";
import type { StateValue, TopicConfig } from "./contract.ts";
import type { FlushListeners } from "./flush-listeners.ts";
import type { LogPartition } from "./partition.ts";
import { emptyHead, type SegmentHead } from "./segment-head.ts";
import type { SegmentRow } from "./segment-row.ts";
import type { MirroredState } from "./small-state.ts";
import type { AbortedEntry } from "./storage/storage.ts";
import type { StorageFailure } from "./storage/storage-failure.ts";
import { GroupTransactions } from "./transactions/group-transactions.ts";

export interface GroupCommitParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly row: SegmentRow;
  readonly state: MirroredState;
  readonly failure: StorageFailure;
  readonly listeners: FlushListeners;
  readonly flushDelayMs: number;
  readonly pendingBytesMax: number;
  readonly configOf: (partition: LogPartition) => Readonly<TopicConfig>;
  /** @throws DISK_BUDGET_FULL where retention can make no room for this partition. */
  readonly checkBudget: (partition: LogPartition) => void;
  /** Called after each commit. */
  readonly committed: () => void;
}

interface Prepared {
  readonly batches: { partitionId: number; batch: Buffer }[];
  readonly heads: Map<LogPartition, SegmentHead>;
  readonly states: [string, StateValue][];
  readonly aborted: readonly AbortedEntry[];
  /** What happens to transactions; undefined where nothing does, which is the rule. */
  readonly transactions: GroupTransactions | undefined;
  records: number;
  bytes: number;
}

export class GroupCommit {
  readonly #parts: GroupCommitParts;
  readonly #gatekeeper: Gatekeeper;
  readonly #pace: CommitPace;
  #gathering: GatheringGroup;
  #running: Promise<void> | undefined;
  /** Tells the gatherers of the group that was committed last. */
  #untold: (() => void) | undefined;
  #closed = false;
  /** By how much the group that is being committed makes the small state grow at most, in bytes. */
  #stateOnItsWay = 0;
  #bytesOnTheirWay = 0;
  commits = 0;
  records = 0;
  batches = 0;
  batchBytes = 0;
  lastFlushMs = 0;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
    this.#pace = new CommitPace(parts);
    this.#gatekeeper = {
      admit: (partition, bytes, pendingBytes) => this.#admit(partition, bytes, pendingBytes),
      admitMarker: (partition) => {
        this.#checkOpen();
        checkExists(partition);
      },
      nowMs: () => parts.clock.nowMs(),
      pendingBytesMax: parts.pendingBytesMax,
      checkState: (key) => {
        this.#checkOpen();
        parts.state.checkKey(key);
      },
      checkStateRoom: (bytes, isNew, gathered) => {
        parts.state.checkRoom({ bytes, isNew, onItsWay: gathered + this.#stateOnItsWay });
      },
      stateBytesOf: (key) => parts.state.bytesOf(key),
      batchBytesMax: (partition) => parts.configOf(partition).messageBytesMax,
      buffers: new BatchBuffers(),
      begun: () => this.#start(),
    };
    this.#gathering = new GatheringGroup(this.#gatekeeper);
  }

  /** The group that gathers now. */
  group(): GatheringGroup {
    return this.#gathering;
  }

  /** Bytes that wait for a flush, of the group that gathers and of the one that is being committed. */
  get pendingBytes(): number {
    return this.#bytesOnTheirWay + this.#gathering.pendingBytes;
  }

  /** Takes no more; resolves when all that was taken is settled, which then waits for no delay. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pace.hurry();
    await this.#running;
  }

  #checkOpen(): void {
    this.#parts.failure.check();
    if (this.#closed) throw new TributaryError("LOG_CLOSED", "The log is closed.");
  }

  #admit(partition: LogPartition, bytes: number, pendingBytes: number): void {
    this.#checkOpen();
    checkExists(partition);
    if (pendingBytes + bytes > this.#parts.pendingBytesMax && pendingBytes > 0) {
      throw new TributaryError(
        "LIMIT_EXCEEDED",
        `${pendingBytes} bytes wait for the disk already (log.pendingBytesMax is ` +
          `${this.#parts.pendingBytesMax}): send slower, or give the gateway a faster disk.`,
      );
    }
    this.#parts.checkBudget(partition);
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#gathering.begun) this.#start();
    });
  }

  async #run(): Promise<void> {
    await this.#pace.gather(this.#gathering);
    while (this.#gathering.begun) {
      const group = this.#gathering;
      this.#gathering = new GatheringGroup(this.#gatekeeper);
      this.#stateOnItsWay = group.stateAddedBytes;
      this.#bytesOnTheirWay = group.pendingBytes;
      try {
        const grown = await this.#commit(group);
        this.#untold = () => {
          group.resolve();
          this.#parts.listeners.flushed(grown);
          this.#parts.committed();
        };
      } catch (error) {
        this.#tell();
        if (!isTributaryError(error)) throw error;
        this.#parts.logger.error({ code: error.code, error: error.message }, "a commit failed");
        group.reject(error);
        // What gathered behind it may follow on it: taken, it would stand before what is sent again.
        const behind = this.#gathering;
        if (behind.begun) {
          this.#gathering = new GatheringGroup(this.#gatekeeper);
          behind.seal();
          behind.reject(error);
        }
      }
      this.#stateOnItsWay = 0;
      this.#bytesOnTheirWay = 0;
      if (this.#pace.followsAtOnce(this.#gathering)) continue;
      // Those who were waiting run now, and what they add joins the next commit.
      this.#tell();
      await this.#pace.gather(this.#gathering);
    }
  }

  #tell(): void {
    const tell = this.#untold;
    this.#untold = undefined;
    tell?.();
  }

  /** Answers the partitions whose high watermark moved. */
  async #commit(group: GatheringGroup): Promise<Iterable<LogPartition>> {
    const { clock, row, state, failure } = this.#parts;
    failure.check();
    const lanes = group.seal();
    await row.makeRoom().catch(asStorageFailure);
    const prepared = this.#prepare(lanes);
    prepared.states.push(...group.resolveStates());
    // What a new segment begins with is no measure of the disk, and too much to wait for.
    const { carries } = row;
    const here = !carries && this.#pace.isHere(group);
    const startedAtMs = clock.monotonicMs();
    const committed = row.commit({ ...prepared, here });
    // While the disk has this group, the one before it is acknowledged.
    this.#tell();
    await committed.catch((error: unknown) => {
      throw isTributaryError(error) ? error : failure.trip(error);
    });
    // A flush that came after one that failed proves nothing.
    failure.check();
    this.lastFlushMs = clock.monotonicMs() - startedAtMs;
    if (!carries) this.#pace.committed(group, this.lastFlushMs, here);
    this.commits += 1;
    this.records += prepared.records;
    this.batches += prepared.batches.length;
    this.batchBytes += prepared.bytes;
    state.apply(prepared.states);
    for (const [partition, head] of prepared.heads) partition.highWatermark = head.nextOffset;
    prepared.transactions?.apply();
    return prepared.heads.keys();
  }

  #prepare(lanes: ReturnType<GatheringGroup["seal"]>): Prepared {
    const nowMs = this.#parts.clock.nowMs();
    let transactions: GroupTransactions | undefined;
    const prepared = {
      batches: [] as Prepared["batches"],
      heads: new Map<LogPartition, SegmentHead>(),
      records: 0,
      bytes: 0,
    };
    for (const { partition, placements } of lanes) {
      if (placements.length === 0) continue;
      const stampMs =
        this.#parts.configOf(partition).timestampType === "LogAppendTime" ? nowMs : -1;
      const before =
        this.#parts.row.activeHead(partition.id) ??
        emptyHead(partition.highWatermark, partition.leaderEpoch);
      let nextOffset: Offset = before.nextOffset;
      let bytes = 0;
      let newestMs = before.maxTimestampMs;
      for (const placement of placements) {
        const { batch } = placement;
        const offset = nextOffset;
        nextOffset = place(placement, offset, partition.leaderEpoch, stampMs);
        prepared.batches.push({ partitionId: partition.id, batch });
        if (!isControl(batch)) prepared.records += recordCount(batch);
        bytes += batch.length;
        newestMs = Math.max(newestMs, maxTimestampMs(batch));
        if (!isTransactional(batch)) continue;
        transactions ??= new GroupTransactions();
        const segmentStart = before.firstOffset;
        transactions.add(batch, { partition, offset, segmentStart, nowMs });
      }
      prepared.bytes += bytes;
      prepared.heads.set(partition, {
        firstOffset: before.firstOffset,
        nextOffset,
        bytes: before.bytes + bytes,
        batches: before.batches + placements.length,
        maxTimestampMs: newestMs,
        appendedAtMs: nowMs,
        leaderEpoch: partition.leaderEpoch,
        compacted: before.compacted,
      });
    }
    const { states = [], aborted = [] } = transactions ?? {};
    return { ...prepared, states, aborted, transactions };
  }
}

function checkExists({ topic, closed }: LogPartition): void {
  if (closed) throw new TributaryError("TOPIC_UNKNOWN", `Topic ${topic} has been deleted.`);
}

function place(placement: Placement, offset: Offset, leaderEpoch: number, stampMs: number): Offset {
  const next = placement.place(offset);
  if (stampMs >= 0) {
    stampLogAppendTime(placement.batch, stampMs);
    placement.logAppendTimeMs = stampMs;
  }
  assignOffset(placement.batch, offset, leaderEpoch);
  return next;
}

function asStorageFailure(error: unknown): never {
  if (isTributaryError(error)) throw error;
  throw new TributaryError("STORAGE_FAILED", `The log could not be written: ${messageOf(error)}`, {
    cause: error,
  });
}
