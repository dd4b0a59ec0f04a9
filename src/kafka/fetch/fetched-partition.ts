/**
 * One partition of a fetch. Owns what has been read of it for one answer: the ranges of bytes, where to
 * read on, and what the answer says of the partition. It is read on, never again.
 */
import { type Offset, toOffset } from "../../base/offset.ts";
import type { AbortedTransaction, Log, Partition, ReadOptions, Topic } from "../../log/contract.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { findPartition, leaderEpochError } from "../partition-lookup.ts";
import type { FetchRoom } from "./fetch-buffers.ts";
import type { ToldPartition, WantedPartition } from "./fetch-session.ts";

export type Isolation = NonNullable<ReadOptions["isolation"]>;

export interface FetchTarget {
  readonly wanted: WantedPartition;
  /** Looked up anew for each look at the log: a topic may be deleted while the fetch waits. */
  readonly topic: () => Topic | undefined;
  /** What to answer where `topic` finds none. */
  readonly topicMissing: KafkaErrorCode;
}

export interface ReadRules {
  readonly answerBytesMax: number;
  readonly sliceBytes: number;
  /** Nothing is in the answer yet. */
  readonly isFirst: boolean;
}

export class FetchedPartition implements ToldPartition {
  readonly wanted: WantedPartition;
  errorCode: KafkaErrorCode = KAFKA_ERRORS.NONE;
  partition: Partition | undefined;
  /** Batches one after the other, where they came to stand so. */
  readonly ranges: Buffer[] = [];
  bytes = 0;
  readonly #target: FetchTarget;
  readonly #isolation: Isolation;
  /** By producer and first offset: one transaction may be met in several slices. */
  #aborted: Map<string, AbortedTransaction> | undefined;
  #next: Offset | undefined;
  /** Set when the next batch no longer fits into what is wanted of the partition, or of the answer. */
  #full: "partition" | "answer" | undefined;
  #gone = false;

  constructor(target: FetchTarget, isolation: Isolation) {
    this.wanted = target.wanted;
    this.#target = target;
    this.#isolation = isolation;
  }

  get highWatermark(): number {
    return this.#whereReadable?.highWatermark ?? -1;
  }

  get lastStableOffset(): number {
    return this.#whereReadable?.lastStableOffset ?? -1;
  }

  get logStartOffset(): number {
    return this.partition?.logStartOffset ?? -1;
  }

  get #whereReadable(): Partition | undefined {
    return this.errorCode === KAFKA_ERRORS.NONE ? this.partition : undefined;
  }

  /**
   * The aborted transactions that the batches are part of, by first offset; null where uncommitted
   * records were asked for.
   */
  get aborted(): readonly AbortedTransaction[] | null {
    if (this.#isolation === "uncommitted" || this.errorCode !== KAFKA_ERRORS.NONE) return null;
    return [...(this.#aborted?.values() ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** More is there, but the answer has no place for it. */
  get stopsAnswer(): boolean {
    return this.#full === "answer";
  }

  /**
   * The bytes that count to what the client waits for: where more is there than it wants of the
   * partition, all that it wants, as in Kafka.
   */
  get bytesThere(): number {
    const { bytes, wanted } = this;
    return this.#full === "partition" ? Math.max(bytes, wanted.bytesMax) : bytes;
  }

  /** Nothing more can come, and what it means must be told now. */
  get failed(): boolean {
    return this.#gone || this.errorCode !== KAFKA_ERRORS.NONE;
  }

  /** Finds the partition and checks what the client believes of it. */
  open(): void {
    const { index, knownLeaderEpoch, from } = this.wanted;
    const topic = this.#target.topic();
    const found = topic === undefined ? this.#target.topicMissing : findPartition(topic, index);
    if (typeof found === "number") {
      this.#fail(found);
      return;
    }
    // The topic was made anew under its name: the offsets that were read are another's.
    if (this.partition !== undefined && this.partition !== found) {
      this.#fail(this.#target.topicMissing);
      return;
    }
    this.partition = found;
    const error = leaderEpochError(found, knownLeaderEpoch);
    if (error !== undefined) this.#fail(error);
    else if (from < found.logStartOffset || from > found.highWatermark) {
      this.#fail(KAFKA_ERRORS.OFFSET_OUT_OF_RANGE);
    } else this.#next ??= toOffset(from);
  }

  get readable(): boolean {
    const { partition } = this;
    if (partition === undefined || this.#next === undefined) return false;
    const { lastStableOffset, highWatermark } = partition;
    return (
      !this.failed &&
      this.#full === undefined &&
      this.#next < (this.#isolation === "committed" ? lastStableOffset : highWatermark) &&
      (this.bytes === 0 || this.bytes < this.wanted.bytesMax)
    );
  }

  /**
   * Reads one slice of about `sliceBytes` into `room`; answers its bytes. Batches come where they fit
   * into `answerBytesMax` and into what the client wants of this partition; the answer's first
   * batch whatever its size (KIP-74).
   */
  async read(
    log: Log,
    room: FetchRoom,
    { answerBytesMax, sliceBytes, isFirst }: ReadRules,
  ): Promise<number> {
    if (this.partition === undefined || this.#next === undefined) return 0;
    const bytesMax = Math.min(answerBytesMax, this.wanted.bytesMax - this.bytes);
    // The log shows a slice's first batch whatever its size, and further ones that fit.
    const keep = (batch: Buffer) => {
      if (batch.length <= bytesMax || isFirst) return room.keep(batch);
      this.#full = batch.length > answerBytesMax ? "answer" : "partition";
      return undefined;
    };
    try {
      const slice = await log.read(this.partition, this.#next, Math.min(bytesMax, sliceBytes), {
        isolation: this.#isolation,
        room: { keep },
      });
      for (const batch of slice.batches) this.#add(batch);
      for (const each of slice.aborted) {
        this.#aborted ??= new Map();
        this.#aborted.set(`${each.producerId}/${each.firstOffset}`, each);
      }
      this.#next = slice.nextOffset;
      this.bytes += slice.bytes;
      return slice.bytes;
    } catch (error) {
      this.#fail(kafkaErrorOf(error));
      return 0;
    }
  }

  /** A batch that stands right behind the one before is sent with it. */
  #add(batch: Buffer): void {
    const last = this.ranges.at(-1);
    if (
      last === undefined ||
      last.buffer !== batch.buffer ||
      last.byteOffset + last.length !== batch.byteOffset
    ) {
      this.ranges.push(batch);
      return;
    }
    const { buffer, byteOffset, length } = last;
    this.ranges[this.ranges.length - 1] = Buffer.from(buffer, byteOffset, length + batch.length);
  }

  #fail(errorCode: KafkaErrorCode): void {
    this.#gone = true;
    // What was read before the topic went, or retention passed, is still worth its answer.
    if (this.bytes === 0) this.errorCode = errorCode;
  }
}
