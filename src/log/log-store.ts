/**
 * The log put together: topics, group commit, reads and retention over one storage. It keeps no
 * rule of its own beyond who is asked for what.
 */
import { messageOf, TributaryError } from "../base/errors.ts";
import { type Offset, toOffset } from "../base/offset.ts";
import { realSleep } from "../base/sleep.ts";
import { cleanedKey } from "./compaction/cleaned-state.ts";
import { Cleaner } from "./compaction/cleaner.ts";
import type {
  AppendGroup,
  ConfigChange,
  EpochEnd,
  KeyValues,
  Log,
  LogSlice,
  LogStats,
  NewTopic,
  OpenTransaction,
  Partition,
  ReadOptions,
  Reclaimed,
  SmallState,
  TimedOffset,
  Topic,
  TopicChange,
  TopicConfig,
  Unsubscribe,
} from "./contract.ts";
import { endOfEpoch } from "./epoch-end.ts";
import { FlushListeners } from "./flush-listeners.ts";
import { GroupCommit } from "./group-commit.ts";
import { LogReader } from "./log-reader.ts";
import { logStartKey, reclaimedKey } from "./log-state.ts";
import type { LogOptions } from "./options.ts";
import type { LogPartition } from "./partition.ts";
import { Retention } from "./retention.ts";
import { compactedFrom } from "./segment-head.ts";
import type { SegmentRow } from "./segment-row.ts";
import type { MirroredState } from "./small-state.ts";
import type { Storage } from "./storage/storage.ts";
import type { TopicTable } from "./topics.ts";
import { expireSpans, forgetTransactions } from "./transactions/stored-transactions.ts";

export interface LogParts {
  readonly storage: Storage;
  readonly row: SegmentRow;
  readonly topics: TopicTable;
  readonly state: MirroredState;
  readonly damaged: { readonly file: string; readonly reason: string }[];
  readonly lossCount: number;
}

export class LogStore implements Log {
  readonly state: SmallState;
  readonly #parts: LogParts;
  readonly #options: LogOptions;
  readonly #commit: GroupCommit;
  readonly #reader: LogReader;
  readonly #retention: Retention;
  readonly #cleaner: Cleaner;
  readonly #listeners = new FlushListeners();
  readonly #reclaimed = new Map<string, Reclaimed>();
  readonly #keepsAll: boolean;
  #timer: NodeJS.Timeout | undefined;
  #lookedAfterSealed = 0;
  #closed = false;

  constructor(parts: LogParts, options: LogOptions) {
    const { row, topics, state, storage } = parts;
    const { clock, logger } = options;
    this.#parts = parts;
    this.#options = options;
    this.state = state;
    this.#reader = new LogReader(row, logger);
    this.#retention = new Retention({
      clock,
      logger,
      storage,
      row,
      topics,
      diskBudgetBytes: options.diskBudgetBytes,
      segmentBytes: options.segmentBytes,
      stateBytes: () => state.bytes,
      lookAgain: () => this.#look(),
      moved: (partition, taken) => this.#moved(partition, taken),
    });
    this.#commit = new GroupCommit({
      clock,
      logger,
      row,
      state,
      failure: storage.failure,
      listeners: this.#listeners,
      flushDelayMs: options.flushDelayMs,
      pendingBytesMax: options.pendingBytesMax,
      configOf: (partition) => topics.configOf(partition),
      checkBudget: (partition) => this.#retention.budget.check(partition),
      committed: () => this.#afterCommit(),
    });
    this.#cleaner = new Cleaner({
      clock,
      logger,
      sleep: realSleep,
      storage,
      row,
      topics,
      state,
      group: () => this.#commit.group(),
      budget: this.#retention.budget,
      progressOf: (partition) => this.#retention.progressOf(partition),
      memoryBytes: options.compactionMemoryBytes,
      segmentBytes: options.segmentBytes,
    });
    for (const topic of topics.all()) this.#loadReclaimed(topic);
    this.#keepsAll = options.retentionCheckMs === 0;
  }

  /** Begins to look at what must go. Call it once, when the log is ready to be used. */
  beginRetention(): void {
    if (this.#keepsAll) return;
    this.#timer = setInterval(() => this.#look(), this.#options.retentionCheckMs).unref();
  }

  get failed(): Promise<TributaryError> {
    return this.#parts.storage.failure.happened;
  }

  topics(): readonly Topic[] {
    return this.#parts.topics.all();
  }

  topic(name: string): Topic | undefined {
    return this.#parts.topics.get(name);
  }

  topicById(id: string): Topic | undefined {
    return this.#parts.topics.byId(id);
  }

  async createTopic(name: string, options: NewTopic): Promise<Topic> {
    this.#checkOpen();
    return await this.#parts.topics.create(name, options);
  }

  async configureTopic(
    name: string,
    changes: ConfigChange | ((topic: Topic) => ConfigChange),
  ): Promise<Topic> {
    this.#checkOpen();
    return await this.#parts.topics.configure(name, changes);
  }

  async addPartitions(name: string, total: number): Promise<Topic> {
    this.#checkOpen();
    return await this.#parts.topics.addPartitions(name, total);
  }

  async deleteRecords(partition: Partition, before: Offset): Promise<Offset> {
    this.#checkOpen();
    const own = partition as LogPartition;
    if (own.deleted) {
      throw new TributaryError("TOPIC_UNKNOWN", `Topic ${own.topic} has been deleted.`);
    }
    if (before > own.highWatermark) {
      throw new TributaryError(
        "OFFSET_OUT_OF_RANGE",
        `${own.topic}/${own.index} ends at ${own.highWatermark}: there is nothing to delete up ` +
          `to ${before}.`,
      );
    }
    await this.#retention.deleteBelow(own, before);
    // Also where somebody else has moved it: what is answered is on disk.
    if ((storedLogStart(this.state, own.id) ?? 0) < before) {
      const group = this.#commit.group();
      group.putOwnState(logStartKey(own.id), Buffer.from(String(own.logStartOffset)));
      await group.flushed;
    }
    return own.logStartOffset;
  }

  onTopics(listener: (change: TopicChange) => void): Unsubscribe {
    return this.#parts.topics.listeners.add(listener);
  }

  get topicDefaults(): Readonly<TopicConfig> {
    return this.#parts.topics.defaults;
  }

  async deleteTopic(name: string): Promise<void> {
    this.#checkOpen();
    const topic = await this.#parts.topics.remove(name);
    const group = this.group();
    for (const partition of topic.partitions) {
      group.putState(logStartKey(partition.id), undefined);
      group.putState(cleanedKey(partition.id), undefined);
    }
    group.putState(reclaimedKey(topic.id), undefined);
    this.#reclaimed.delete(name);
    await group.flushed;
    await this.#forgetTransactions(topic.partitions);
    await this.#retention.run();
  }

  /** Call it behind a flush: what was committed before the deletion has said by then what it began. */
  async #forgetTransactions(partitions: readonly LogPartition[]): Promise<void> {
    const group = this.group();
    for (const partition of partitions) forgetTransactions(group, partition);
    if (group.begun) await group.flushed;
  }

  group(): AppendGroup {
    return this.#commit.group();
  }

  async read(
    partition: Partition,
    from: Offset,
    bytesMax: number,
    options: ReadOptions = {},
  ): Promise<LogSlice> {
    this.#checkOpen();
    return await this.#reader.read(partition as LogPartition, from, bytesMax, options);
  }

  openTransactions(partition: Partition): readonly OpenTransaction[] {
    return (partition as LogPartition).transactions?.allOpen() ?? [];
  }

  openTransaction(partition: Partition, producerId: bigint): OpenTransaction | undefined {
    return (partition as LogPartition).transactions?.openOf(producerId);
  }

  get lossCount(): number {
    return this.#parts.lossCount;
  }

  async offsetForTime(
    partition: Partition,
    timestampMs: number,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    this.#checkOpen();
    return await this.#reader.offsetForTime(partition as LogPartition, timestampMs, signal);
  }

  async offsetOfMaxTimestamp(
    partition: Partition,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined> {
    this.#checkOpen();
    return await this.#reader.offsetOfMaxTimestamp(partition as LogPartition, signal);
  }

  leaderEpochAt(partition: Partition, offset: Offset): number {
    const place = this.#parts.row.locate(partition.id, offset);
    return place?.head.leaderEpoch ?? partition.leaderEpoch;
  }

  endOfEpoch(partition: Partition, leaderEpoch: number): EpochEnd | undefined {
    return endOfEpoch(partition, leaderEpoch, this.#parts.row.headsOf(partition.id));
  }

  bytesOf(partition: Partition): number {
    let bytes = 0;
    for (const { head } of this.#parts.row.headsOf(partition.id)) bytes += head.bytes;
    return bytes;
  }

  compactedOf(partition: Partition): number {
    const { logStartOffset } = partition;
    let compacted = 0;
    for (const { head } of this.#parts.row.headsOf(partition.id)) {
      compacted += compactedFrom(head, logStartOffset);
    }
    return compacted;
  }

  async compact(): Promise<void> {
    this.#checkOpen();
    await this.#cleaner.run();
  }

  onFlush(partitions: readonly Partition[], listener: () => void): Unsubscribe {
    return this.#listeners.add(partitions, listener);
  }

  setReplicationProgress(progress: (partition: Partition) => Offset | undefined): void {
    this.#retention.setProgress(progress);
  }

  keyValues(name: string): KeyValues {
    return this.#parts.storage.keyValues(name);
  }

  stats(): LogStats {
    const { row, damaged } = this.#parts;
    const commit = this.#commit;
    return {
      segmentCount: row.count,
      segmentsSealed: row.sealedTotal,
      bytesOnDisk: row.bytesOnDisk,
      diskBudgetBytes: this.#options.diskBudgetBytes,
      commits: commit.commits,
      records: commit.records,
      batches: commit.batches,
      batchBytes: commit.batchBytes,
      lastFlushMs: commit.lastFlushMs,
      pendingBytes: commit.pendingBytes,
      reclaimed: this.#reclaimed,
      compaction: this.#cleaner.figures,
      damaged,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    // What it has done it may still write down: groups are taken until the commit closes.
    await this.#cleaner.stop();
    const { failure } = this.#parts.storage;
    if (!this.#keepsAll && failure.error === undefined) {
      await this.#retention.run().catch(() => {});
    }
    await this.#commit.close();
    await this.#parts.row.close();
    await this.#parts.storage.close();
  }

  /** A new segment is the moment to look whether the oldest must go. */
  #afterCommit(): void {
    if (this.#parts.row.sealedTotal !== this.#lookedAfterSealed) this.#look();
  }

  #look(): void {
    this.#lookedAfterSealed = this.#parts.row.sealedTotal;
    if (this.#keepsAll || this.#parts.storage.failure.error !== undefined) return;
    // What retention has taken is for the cleaner to free.
    void this.#retention
      .run()
      .catch((error: unknown) => {
        this.#options.logger.error({ error: messageOf(error) }, "retention failed");
      })
      .then(() => this.#cleaner.run());
  }

  /** Retention moved a log start: write that down, with what it took. */
  #moved(partition: LogPartition, taken: Reclaimed): void {
    const before = this.#reclaimed.get(partition.topic) ?? NOTHING_RECLAIMED;
    const total = {
      expired: before.expired + taken.expired,
      dropped: before.dropped + taken.dropped,
      compacted: before.compacted + taken.compacted,
    };
    this.#reclaimed.set(partition.topic, total);
    if (this.#closed) return;
    const group = this.#commit.group();
    group.putOwnState(logStartKey(partition.id), Buffer.from(String(partition.logStartOffset)));
    expireSpans(group, partition);
    const topic = this.#parts.topics.get(partition.topic);
    if (topic !== undefined) {
      group.putOwnState(reclaimedKey(topic.id), Buffer.from(JSON.stringify(total)));
    }
  }

  #loadReclaimed(topic: Topic): void {
    const stored = this.state.get(reclaimedKey(topic.id));
    if (stored === undefined) return;
    const taken = JSON.parse(Buffer.from(stored).toString("utf8")) as Partial<Reclaimed>;
    this.#reclaimed.set(topic.name, { ...NOTHING_RECLAIMED, ...taken });
  }

  #checkOpen(): void {
    if (this.#closed) throw new TributaryError("LOG_CLOSED", "The log is closed.");
  }
}

export const NOTHING_RECLAIMED: Reclaimed = { expired: 0, dropped: 0, compacted: 0 };

/** The log start that retention wrote down for a partition, if it ever did. */
export function storedLogStart(state: SmallState, partitionId: number): Offset | undefined {
  const stored = state.get(logStartKey(partitionId));
  return stored === undefined ? undefined : toOffset(Number(Buffer.from(stored).toString("utf8")));
}
