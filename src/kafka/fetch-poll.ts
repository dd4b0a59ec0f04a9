/**
 * The long poll behind Fetch: reads what there is, and where that is less than asked for, waits for
 * flushes until there is enough, the time is over or the connection has gone. Owns, for one request,
 * what has been read so far: a partition is read on from there, never again.
 *
 * Fair to others: the log is read in slices, and between large ones others have their turn, ingest
 * before all.
 */
import { type Offset, toOffset } from "../base/offset.ts";
import type { Log, Partition, Topic } from "../log/contract.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "./error-codes.ts";
import { findPartition, leaderEpochError } from "./partition-lookup.ts";
import type { ReaderPace } from "./quotas/reader-pace.ts";

export interface FetchRules {
  /** Answer when so much has been read. */
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly waitMsMax: number;
  readonly readSliceBytes: number;
  readonly pace: ReaderPace;
}

export interface FetchTarget {
  /** Looked up anew for each look at the log: a topic may be deleted while the fetch waits. */
  readonly topic: () => Topic | undefined;
  /** What to answer where `topic` finds none. */
  readonly topicMissing: KafkaErrorCode;
  readonly index: number;
  readonly from: number;
  readonly bytesMax: number;
  readonly knownLeaderEpoch: number;
}

/** What has been read of one partition. */
export class FetchedPartition {
  readonly target: FetchTarget;
  errorCode: KafkaErrorCode = KAFKA_ERRORS.NONE;
  partition: Partition | undefined;
  readonly batches: Buffer[] = [];
  bytes = 0;
  #next: Offset | undefined;
  /** Set when the next batch no longer fits. */
  #full = false;

  constructor(target: FetchTarget) {
    this.target = target;
  }

  /** Finds the partition and checks what the client believes of it. */
  open(): void {
    const { target } = this;
    const topic = target.topic();
    const found = topic === undefined ? target.topicMissing : findPartition(topic, target.index);
    if (typeof found === "number") {
      this.partition = undefined;
      this.#fail(found);
      return;
    }
    this.partition = found;
    const error = leaderEpochError(found, target.knownLeaderEpoch);
    if (error !== undefined) this.#fail(error);
    else if (target.from < found.logStartOffset || target.from > found.highWatermark) {
      this.#fail(KAFKA_ERRORS.OFFSET_OUT_OF_RANGE);
    } else this.#next ??= toOffset(target.from);
  }

  get readable(): boolean {
    return (
      this.errorCode === KAFKA_ERRORS.NONE &&
      !this.#full &&
      this.partition !== undefined &&
      this.#next !== undefined &&
      this.#next < this.partition.highWatermark &&
      this.bytes < this.target.bytesMax
    );
  }

  /**
   * Reads one slice of about `sliceBytes`; answers its bytes. The partition's first batch comes
   * whatever its size, any further one only where it fits into `bytesMax`.
   */
  async read(log: Log, bytesMax: number, sliceBytes: number): Promise<number> {
    if (this.partition === undefined || this.#next === undefined) return 0;
    try {
      const slice = await log.read(this.partition, this.#next, Math.min(bytesMax, sliceBytes));
      if (this.batches.length > 0 && slice.bytes > bytesMax) {
        this.#full = true;
        return 0;
      }
      for (const batch of slice.batches) this.batches.push(batch);
      this.#next = slice.nextOffset;
      this.bytes += slice.bytes;
      return slice.bytes;
    } catch (error) {
      this.#fail(kafkaErrorOf(error));
      return 0;
    }
  }

  #fail(errorCode: KafkaErrorCode): void {
    // What was read before the topic went, or retention passed, is still worth its answer.
    if (this.batches.length === 0) this.errorCode = errorCode;
  }
}

/** Fetches from all of `targets`; answers one result for each, in their order. */
export async function fetchPartitions(
  log: Log,
  targets: readonly FetchTarget[],
  rules: FetchRules,
  signal: AbortSignal,
): Promise<readonly FetchedPartition[]> {
  const fetched = targets.map((target) => new FetchedPartition(target));
  for (const each of fetched) each.open();
  const partitions = fetched.flatMap(({ partition }) => partition ?? []);
  const flush = new FlushWait(log, partitions, rules.waitMsMax, signal);
  try {
    let bytes = await readAll(log, fetched, rules, 0);
    while (!isEnough(fetched, bytes, rules) && (await flush.next())) {
      for (const each of fetched) each.open();
      bytes = await readAll(log, fetched, rules, bytes);
    }
    return fetched;
  } finally {
    flush.end();
  }
}

function isEnough(
  fetched: readonly FetchedPartition[],
  bytes: number,
  { bytesMin, bytesMax }: FetchRules,
): boolean {
  if (bytes >= Math.min(bytesMin, bytesMax)) return true;
  return fetched.some((each) => each.errorCode !== KAFKA_ERRORS.NONE);
}

/** Reads on in each partition until its limit or the request's; answers the request's bytes. */
async function readAll(
  log: Log,
  fetched: readonly FetchedPartition[],
  { bytesMax, readSliceBytes, pace }: FetchRules,
  bytesBefore: number,
): Promise<number> {
  let bytes = bytesBefore;
  for (const each of fetched) {
    // The first batch comes even where it is over the limit (KIP-74).
    while (each.readable && (bytes < bytesMax || bytes === 0)) {
      const room = Math.min(bytesMax - bytes, each.target.bytesMax - each.bytes);
      const read = await pace.read(() => each.read(log, room, readSliceBytes));
      bytes += read;
      if (read === 0) break;
    }
  }
  return bytes;
}

/** Waits for flushes of some partitions, until a deadline or an abort. */
class FlushWait {
  #flushed = false;
  #over: boolean;
  #wake: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #unsubscribe: () => void;
  readonly #signal: AbortSignal;
  readonly #onOver = () => {
    this.#over = true;
    this.#wake?.();
  };

  constructor(log: Log, partitions: readonly Partition[], waitMsMax: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#over = waitMsMax <= 0 || signal.aborted;
    if (this.#over) {
      this.#unsubscribe = () => {};
      return;
    }
    this.#timer = setTimeout(this.#onOver, waitMsMax);
    signal.addEventListener("abort", this.#onOver);
    this.#unsubscribe = log.onFlush(partitions, () => {
      this.#flushed = true;
      this.#wake?.();
    });
  }

  /** True when there was a flush since the last call; false when the wait is over. */
  async next(): Promise<boolean> {
    if (!this.#flushed && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const flushed = this.#flushed && !this.#over;
    this.#flushed = false;
    return flushed;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onOver);
    this.#unsubscribe();
  }
}
