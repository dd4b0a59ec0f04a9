/**
 * The log, as every other room sees it. Layer-3 rooms (bridge, kafka, upstream, replay, http) know
 * this file and meet only here; what implements it stands beside it.
 *
 * The promises:
 *  - what is added to a group is on disk, whole or not at all, once `flushed` resolves;
 *  - nothing is readable before it is flushed: the high watermark is the end of the last flush;
 *  - records and the small state put with them are one transaction: they never disagree;
 *  - records of a producer's transaction stay above the last stable offset until its marker, and
 *    are told apart from then on (docs/decisions/0017). Whoever is not a Kafka client that tells
 *    them apart itself reads through `readCommitted` (committed-slice.ts), never `read`.
 */
import type { TributaryError } from "../base/errors.ts";
import type { Offset } from "../base/offset.ts";
import type { EncodedHeaders } from "../wire/batch-builder.ts";
import type { TransactionMarker } from "../wire/control-batch.ts";
import type { Slices } from "../wire/slices.ts";
import type { LogStats } from "./log-figures.ts";
import type { ConfigChange, NewTopic, Topic, TopicChange, TopicConfig } from "./topic-contract.ts";

export type { MarkerKind, TransactionMarker } from "../wire/control-batch.ts";
export type { CompactionFigures, LogStats, Reclaimed } from "./log-figures.ts";
export type {
  CleanupPolicy,
  ConfigChange,
  NewTopic,
  Topic,
  TopicChange,
  TopicConfig,
} from "./topic-contract.ts";

export interface Log {
  /** Every topic, in order of name. */
  topics(): readonly Topic[];
  topic(name: string): Topic | undefined;
  /** The topic of that id, for Kafka's topic ids; a deleted topic's id is never given again. */
  topicById(id: string): Topic | undefined;

  /**
   * Creates a topic; resolves when that is on disk.
   * @throws TOPIC_EXISTS, TOPIC_NAME_INVALID, PARTITION_COUNT_INVALID, TOPIC_CONFIG_INVALID,
   *   TOPIC_LIMIT_REACHED
   */
  createTopic(name: string, options: NewTopic): Promise<Topic>;
  /** @throws TOPIC_UNKNOWN */
  deleteTopic(name: string): Promise<void>;
  /**
   * Changes some of a topic's settings; a function is asked once its turn has come, with the topic
   * as it is then. Those that there are stay as they are: partitions are not made anew.
   * @throws TOPIC_UNKNOWN, TOPIC_CONFIG_INVALID
   */
  configureTopic(
    name: string,
    changes: ConfigChange | ((topic: Topic) => ConfigChange),
  ): Promise<Topic>;
  /**
   * Gives a topic more partitions, `total` in all; resolves when they are on disk. The partitions
   * that there are keep their records: keys may belong to another partition from now on.
   * @throws TOPIC_UNKNOWN, PARTITION_COUNT_INVALID, TOPIC_LIMIT_REACHED
   */
  addPartitions(name: string, total: number): Promise<Topic>;
  /**
   * Deletes a partition's records below `before`, also those that are not replicated (they count as
   * dropped); answers the log start, durable by then.
   * @throws OFFSET_OUT_OF_RANGE where `before` is above the high watermark, TOPIC_UNKNOWN (deleted)
   */
  deleteRecords(partition: Partition, before: Offset): Promise<Offset>;
  /** Calls `listener` when a topic has been created, deleted, given partitions or configured. */
  onTopics(listener: (change: TopicChange) => void): Unsubscribe;
  /** What a topic gets that does not say otherwise. */
  readonly topicDefaults: Readonly<TopicConfig>;

  /**
   * The group that is gathering now. All that is added to it without an `await` in between goes
   * into one transaction. Ask for it again after every `await`: a group closes when its commit
   * begins.
   */
  group(): AppendGroup;

  /** Small durable state that lives and dies with the data (see {@link SmallState}). */
  readonly state: SmallState;

  /**
   * Batches of `partition` from the one that holds `from` on, below the high watermark, copied: at
   * least one where there is any (however large), then as many as fit into `bytesMax`. A batch
   * that began before `from` comes whole. With `committed`, batches come below the last stable
   * offset only, of transactional ones a thousand at most, and with them the aborted transactions
   * that they are part of.
   * @throws OFFSET_OUT_OF_RANGE where `from` is below the log start or above the high watermark;
   *   SEGMENT_DAMAGED where the bytes on disk fail their CRC.
   */
  read(
    partition: Partition,
    from: Offset,
    bytesMax: number,
    options?: ReadOptions,
  ): Promise<LogSlice>;

  /** The transactions of a partition that are neither committed nor aborted, the oldest first. */
  openTransactions(partition: Partition): readonly OpenTransaction[];
  /** The one of a producer, as of the last flush; a group that gathers may be about to change it. */
  openTransaction(partition: Partition, producerId: bigint): OpenTransaction | undefined;

  /**
   * How often, in the life of the data folder, the newest segment was lost. Where it has risen,
   * small state is older than what was acknowledged, and every transaction that was open in it has
   * been aborted.
   */
  readonly lossCount: number;

  /**
   * The first record at or after `timestampMs`, or undefined where there is none. A search may take
   * long: it ends, with undefined, when `signal` aborts.
   */
  offsetForTime(
    partition: Partition,
    timestampMs: number,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined>;
  /** The record with the largest timestamp, or undefined in an empty partition. */
  offsetOfMaxTimestamp(
    partition: Partition,
    signal?: AbortSignal,
  ): Promise<TimedOffset | undefined>;
  /** The leader epoch of the record at `offset`, or, where there is none, of the next one. */
  leaderEpochAt(partition: Partition, offset: Offset): number;
  /**
   * Where the records of the newest leader epoch that is not above `leaderEpoch` end (KIP-320);
   * undefined for an epoch that has not come yet.
   */
  endOfEpoch(partition: Partition, leaderEpoch: number): EpochEnd | undefined;
  /** What a partition's batches take on the disk. */
  bytesOf(partition: Partition): number;
  /** Records above the log start that compaction has taken. */
  compactedOf(partition: Partition): number;
  /**
   * Compacts now what there is to compact, as its topics' settings say; resolves when nothing is left
   * to do. The log does so by itself (`retentionCheckMs`).
   */
  compact(): Promise<void>;

  /** Calls `listener` after each flush that moved the high watermark of one of `partitions`. */
  onFlush(partitions: readonly Partition[], listener: () => void): Unsubscribe;

  /**
   * Names how far a topic's data has been replicated, so that retention can tell what it must not
   * drop silently. One provider a log; it answers undefined for a partition nobody replicates.
   */
  setReplicationProgress(progress: (partition: Partition) => Offset | undefined): void;

  /** A durable map for larger, slower state (MQTT sessions, retained messages), by its name. */
  keyValues(name: string): KeyValues;

  stats(): LogStats;

  /**
   * Resolves, once, when the disk failed a write: from then on everything that would write rejects
   * with that error (STORAGE_FAILED), and only a new process can go on. Never where it does not.
   */
  readonly failed: Promise<TributaryError>;

  /**
   * Flushes what is pending, then closes. Later calls reject with LOG_CLOSED. Where the disk has
   * failed, it flushes nothing, and the data folder stays locked until the process has ended.
   */
  close(): Promise<void>;
}

export interface Partition {
  readonly topic: string;
  /** Its number within the topic, from 0. */
  readonly index: number;
  /** Its number within the gateway, never given twice; what its data is stored under. */
  readonly id: number;
  /** The first offset that can be read. */
  readonly logStartOffset: Offset;
  /** The offset after the last flushed record: nothing at or above it can be read. */
  readonly highWatermark: Offset;
  /**
   * Where the oldest open transaction begins; the high watermark where none is open. Both move at
   * the same flush.
   */
  readonly lastStableOffset: Offset;
  /** Counts up only where data was lost or restored (KIP-320). */
  readonly leaderEpoch: number;
}

/**
 * Everything that goes into one transaction and one fsync. Methods are synchronous and copy nothing
 * twice; what they throw leaves the group as it was.
 */
export interface AppendGroup {
  /**
   * Writes one record into the partition's open batch. Bytes are copied.
   * @throws RECORD_TOO_LARGE, DISK_BUDGET_FULL, TOPIC_UNKNOWN (deleted meanwhile)
   */
  addRecord(
    partition: Partition,
    timestampMs: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers?: EncodedHeaders,
  ): void;

  /**
   * Writes a record for each slice of `source`, in order: for callers to whom an object per record is
   * too much. A `key` or `headers` object keeps its bytes for good. Answers how many it has taken: all,
   * or the first so many, and the next one would be refused by itself.
   * @throws RECORD_TOO_LARGE, DISK_BUDGET_FULL, TOPIC_UNKNOWN where it takes none
   */
  addSlices(
    partition: Partition,
    timestampMs: number,
    key: Uint8Array | null,
    source: Buffer,
    slices: Slices,
    headers?: EncodedHeaders,
  ): number;

  /**
   * Appends one validated batch as it came; the log assigns its base offset, leader epoch and
   * (LogAppendTime) timestamp in place, so the buffer belongs to the log from here on. A view into
   * a larger buffer is fine; the bytes must not change until `flushed` settles.
   *
   * A transactional batch begins a transaction of its producer in this partition, where none is
   * open there.
   * @throws RECORD_TOO_LARGE, DISK_BUDGET_FULL, TOPIC_UNKNOWN, STATE_TOO_LARGE (no room to note a
   *   transaction)
   */
  addBatch(partition: Partition, batch: Buffer): PlacedBatch;

  /**
   * Writes the marker that ends the producer's transaction in this partition, also where none is
   * open (as Kafka does). A marker of an older producer epoch than the transaction's ends nothing.
   * It is taken however full the disk budget or the group is, so that the markers of a transaction
   * over many partitions can go into one group with the state of their coordinator.
   * @throws TOPIC_UNKNOWN
   */
  addMarker(partition: Partition, marker: TransactionMarker): PlacedBatch;

  /**
   * Puts (or, with undefined, removes) a piece of small state. A function is called when offsets
   * have been assigned, just before the write. Removing is never refused for want of room, nor is a
   * value that is no larger than the one before.
   * @throws STATE_TOO_LARGE
   */
  putState(key: string, value: StateValue | (() => StateValue)): void;

  /**
   * Removes the state under `from`, and puts `value` under `to` in its place. That is not refused for
   * want of room, so `value` must be no larger than what `from` has or is about to have.
   * @throws STATE_TOO_LARGE where a key is too long
   */
  moveState(from: string, to: string, value: Uint8Array): void;

  /** Something has been added, so a commit is coming: more state costs no flush of its own. */
  readonly begun: boolean;

  /**
   * Resolves when all of the group is on disk; rejects, and nothing of it was kept. It settles only
   * where something was added, by whomever.
   */
  readonly flushed: Promise<void>;
}

export type StateValue = Uint8Array | undefined;

/** How far a partition has been replicated, and what it held besides the records that were. */
export interface ReplicationProgress {
  /** Everything below it has been dealt with. */
  readonly nextOffset: Offset;
  readonly leftOut: LeftOut;
}

/** Offsets that hold nothing for a reader, by why. */
export interface LeftOut {
  /** Transaction markers. */
  readonly control: number;
  /** Records of aborted transactions. */
  readonly aborted: number;
  /** Records that compaction had taken. */
  readonly compacted: number;
}

/** Where a batch went: valid once the group's offsets are assigned (in state functions, and later). */
export interface PlacedBatch {
  readonly baseOffset: Offset;
  /** The append time where the topic has LogAppendTime, else -1. */
  readonly logAppendTimeMs: number;
}

/**
 * Small state kept in the active segment, in the same transaction as the data: QoS 2 packet
 * identifiers, idempotent producers, group offsets, upstream checkpoints. All of it is mirrored in
 * memory and copied to each new segment, so keep it small: a few thousand entries of a few hundred
 * bytes. Keys are `kind/rest`, kinds being one lower-case word. Reads see flushed values only.
 */
export interface SmallState {
  get(key: string): Uint8Array | undefined;
  /** Entries whose key begins with `prefix`, in no particular order. */
  entries(prefix: string): Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface ReadOptions {
  /** Kafka's read_uncommitted (the default) and read_committed. */
  readonly isolation?: "uncommitted" | "committed";
  /**
   * Where the batches are copied to, for readers that know when they are needed no longer; without
   * it, each gets memory of its own. Whoever gives room passes the batches on to somebody who checks
   * them: their header is looked at, their CRC is not (docs/decisions/0021).
   */
  readonly room?: BatchRoom;
}

export interface BatchRoom {
  /** A copy of `batch`; undefined where there is no room: the read ends before it. */
  keep(batch: Buffer): Buffer | undefined;
}

export interface OpenTransaction {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of its first batch in the partition. */
  readonly firstOffset: Offset;
  /** This gateway's clock at its first batch, milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: Offset;
  /** Of its marker: every transactional batch of the producer between the two is aborted. */
  readonly lastOffset: Offset;
}

export interface LogSlice {
  readonly batches: readonly Buffer[];
  readonly bytes: number;
  /** Where to read on: the offset after the last batch (`from`, where there was none). */
  readonly nextOffset: Offset;
  /**
   * The aborted transactions that `batches` are part of, by first offset; empty where uncommitted
   * records were asked for.
   */
  readonly aborted: readonly AbortedTransaction[];
  /**
   * Offsets between `batches`, or behind the last of them, that have no record since compaction took
   * it. Others that are missing are lost. Offsets inside of a batch are compacted only ever.
   */
  readonly compacted: readonly OffsetRange[];
}

/** Offsets from `from` to before `to`. */
export interface OffsetRange {
  readonly from: Offset;
  readonly to: Offset;
}

export interface TimedOffset {
  readonly offset: Offset;
  readonly timestampMs: number;
  readonly leaderEpoch: number;
}

export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: Offset;
}

/**
 * A durable, ordered map of UTF-8 keys (1 to 1900 bytes) to bytes. Reads see committed values; what
 * they answer is the caller's to keep. Writes become visible, and durable, in the order of the calls.
 */
export interface KeyValues {
  get(key: string): Uint8Array | undefined;
  /** Entries with `start <= key < end` in byte order of the keys; without bounds, all. */
  entries(range?: {
    start?: string;
    end?: string;
    limit?: number;
  }): Iterable<readonly [key: string, value: Uint8Array]>;
  /** Writes all of `changes` in one transaction (undefined removes); resolves when flushed. */
  write(changes: Iterable<readonly [key: string, value: StateValue]>): Promise<void>;
  /**
   * Removes the first entries with `start <= key < end`, at most `limit`, in one transaction;
   * resolves when flushed, with how many they were.
   */
  removeRange(start: string, end: string, limit: number): Promise<number>;
}

export type Unsubscribe = () => void;
