/**
 * What one fetch has read: owner of its partitions, of the memory that their batches stand in, and of
 * how much that is. Fair to others: the log is read in slices, and between large ones others have
 * their turn, ingest before all; and it ends where it has something and has taken long, or where
 * nobody wants it any more.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log, Partition } from "../../log/contract.ts";
import type { KafkaLimits } from "../limits.ts";
import type { ReaderPace } from "../quotas/reader-pace.ts";
import type { FetchBuffers, FetchRoom } from "./fetch-buffers.ts";
import { FetchedPartition, type FetchTarget, type Isolation } from "./fetched-partition.ts";

export interface FetchRules {
  /** Answer when so much has been read. */
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly waitMsMax: number;
  readonly isolation: Isolation;
}

/** Many small reads are made for no longer before others have their turn. */
const TURN_MS_MAX = 10;

/** What fetches read from and with. */
export interface FetchSource {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Pick<KafkaLimits, "readSliceBytes" | "fetchReadMsMax">;
  readonly readerPace: ReaderPace;
  readonly fetchBuffers: FetchBuffers;
}

export class FetchReading {
  readonly partitions: readonly FetchedPartition[];
  readonly room: FetchRoom;
  readonly #source: FetchSource;
  readonly #rules: FetchRules;
  readonly #signal: AbortSignal;
  #bytes = 0;
  #tookLong = false;

  constructor(
    source: FetchSource,
    targets: readonly FetchTarget[],
    rules: FetchRules,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#rules = rules;
    this.#signal = signal;
    this.partitions = targets.map((target) => new FetchedPartition(target, rules.isolation));
    this.room = source.fetchBuffers.open();
  }

  /** Those of the partitions that are there, as they were looked at last. */
  get found(): readonly Partition[] {
    return this.partitions.flatMap(({ partition }) => partition ?? []);
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** As much as the client waits for, or as there may be; or something that it must be told now. */
  get isEnough(): boolean {
    const { bytesMin, bytesMax } = this.#rules;
    if (this.#tookLong) return true;
    let bytesThere = 0;
    for (const each of this.partitions) {
      if (each.failed || each.stopsAnswer) return true;
      bytesThere += each.bytesThere;
    }
    return bytesThere >= Math.min(bytesMin, bytesMax);
  }

  /** Finds the partitions, and what the client must be told of them. */
  look(): void {
    for (const each of this.partitions) each.open();
  }

  /** Reads on in each partition until its limit or the request's. */
  async readOn(): Promise<void> {
    const { clock, limits, readerPace } = this.#source;
    this.room.lacks = false;
    const endMs = clock.monotonicMs() + limits.fetchReadMsMax;
    let turnEndMs = clock.monotonicMs() + TURN_MS_MAX;
    for (const each of this.partitions) {
      while (each.readable && !this.#isOver) {
        const read = await readerPace.read(() => this.#readSlice(each));
        if (clock.monotonicMs() >= turnEndMs) {
          await new Promise(setImmediate);
          turnEndMs = clock.monotonicMs() + TURN_MS_MAX;
        }
        this.#tookLong ||= this.#bytes > 0 && clock.monotonicMs() >= endMs;
        if (read === 0) break;
      }
      if (this.#isOver) return;
    }
  }

  /** The first batch comes even where it is over the limit (KIP-74). */
  get #isOver(): boolean {
    const isFull = this.#bytes > 0 && this.#bytes >= this.#rules.bytesMax;
    return isFull || this.#tookLong || this.room.lacks || this.#signal.aborted;
  }

  async #readSlice(partition: FetchedPartition): Promise<number> {
    const { log, limits } = this.#source;
    const read = await partition.read(log, this.room, {
      answerBytesMax: this.#rules.bytesMax - this.#bytes,
      sliceBytes: limits.readSliceBytes,
      isFirst: this.#bytes === 0,
    });
    this.#bytes += read;
    return read;
  }
}
