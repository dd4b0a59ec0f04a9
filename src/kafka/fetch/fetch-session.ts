/**
 * One fetch session (KIP-227): the partitions that a client asks for, and what it was told of each
 * last, so that its requests name only what it wants otherwise, and the answers only what is new.
 * Owner of both; the epoch is the number that the client's next request must carry.
 */
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";

const FIRST_EPOCH = 1;
const EPOCH_MAX = 0x7fff_ffff;

export interface WantedPartition {
  /** The topic's name, or from version 13 its id. */
  readonly topic: string;
  readonly index: number;
  readonly knownLeaderEpoch: number;
  readonly from: number;
  readonly bytesMax: number;
}

/** What an answer says of a partition, as far as it decides whether it need be said. */
export interface ToldPartition {
  readonly wanted: WantedPartition;
  readonly errorCode: KafkaErrorCode;
  /** Of the batches that are answered. */
  readonly bytes: number;
  /** -1 with an error, so that the client hears of the partition again when that is over. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

interface Entry {
  wanted: WantedPartition;
  highWatermark: number;
  logStartOffset: number;
}

export class FetchSession {
  readonly id: number;
  readonly byTopicId: boolean;
  readonly createdMs: number;
  usedMs: number;
  epoch = FIRST_EPOCH;
  /** In the order in which they are read. */
  readonly #entries = new Map<string, Entry>();

  constructor(
    id: number,
    byTopicId: boolean,
    createdMs: number,
    told: Iterable<ToldPartition> = [],
  ) {
    this.id = id;
    this.byTopicId = byTopicId;
    this.createdMs = createdMs;
    this.usedMs = createdMs;
    for (const { wanted, highWatermark, logStartOffset } of told) {
      this.#entries.set(keyOf(wanted), { wanted, highWatermark, logStartOffset });
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  wanted(): WantedPartition[] {
    return Array.from(this.#entries.values(), ({ wanted }) => wanted);
  }

  update(
    changed: readonly WantedPartition[],
    forgotten: readonly Pick<WantedPartition, "topic" | "index">[],
  ): void {
    for (const wanted of changed) {
      const entry = this.#entries.get(keyOf(wanted));
      if (entry !== undefined) entry.wanted = wanted;
      else this.#entries.set(keyOf(wanted), { wanted, highWatermark: -1, logStartOffset: -1 });
    }
    for (const partition of forgotten) this.#entries.delete(keyOf(partition));
  }

  advance(): void {
    this.epoch = this.epoch === EPOCH_MAX ? FIRST_EPOCH : this.epoch + 1;
  }

  /** Whether the client has to be told; notes that it is. */
  tell({ wanted, errorCode, bytes, highWatermark, logStartOffset }: ToldPartition): boolean {
    const key = keyOf(wanted);
    const entry = this.#entries.get(key);
    if (entry === undefined) return true;
    const isNews =
      errorCode !== KAFKA_ERRORS.NONE ||
      bytes > 0 ||
      entry.highWatermark !== highWatermark ||
      entry.logStartOffset !== logStartOffset;
    entry.highWatermark = highWatermark;
    entry.logStartOffset = logStartOffset;
    if (bytes > 0) {
      // Read last from now on, so that none starves where the answer is full before its turn.
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return isNews;
  }
}

function keyOf({ topic, index }: Pick<WantedPartition, "topic" | "index">): string {
  return `${index}/${topic}`;
}
