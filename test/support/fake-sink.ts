/**
 * An upstream system in memory that keeps Kafka's rules for idempotent producers: sequences without
 * gaps, repeats recognised among a producer's last five batches, nothing too large. Attempts fail as
 * its owner says: before the batch is stored, or after (the answer is lost).
 */

import { toOffset } from "../../src/base/offset.ts";
import { addSequence } from "../../src/upstream/sequence.ts";
import {
  type ProducerIdentity,
  type Sink,
  SinkError,
  type SinkErrorKind,
  type SinkWrite,
  type WrittenBatch,
} from "../../src/upstream/sink.ts";
import {
  assignOffset,
  baseOffset,
  baseSequence,
  batchDamage,
  lastOffsetDelta,
  producerEpoch,
  producerId,
  recordCount,
} from "../../src/wire/record-batch.ts";
import { type DecodedRecord, records } from "../../src/wire/records.ts";

export type Fault = "unreachable" | "answer-lost" | "sequence" | "refused" | undefined;

interface StoredBatch {
  readonly producer: string;
  readonly first: number;
  readonly last: number;
  readonly baseOffset: number;
}

const REMEMBERED_BATCHES = 5;

export class FakeSink implements Sink {
  readonly name = "fake://upstream";
  /** By `topic/partition`. */
  readonly stored = new Map<string, DecodedRecord[]>();
  readonly topics = new Map<string, number>();
  batchBytesMax = Number.POSITIVE_INFINITY;
  /** Whether it can say what a producer has written. */
  describes = true;
  /** Asked before each write. */
  fault: () => Fault = () => undefined;
  connectFault: SinkErrorKind | undefined;
  connects = 0;
  writes: SinkWrite[] = [];
  readonly #partitions: number | undefined;
  readonly #batches = new Map<string, StoredBatch[]>();
  #nextProducer = 1_000n;

  /** Topics get `partitions`, or what the forwarder asks for. */
  constructor(partitions?: number) {
    this.#partitions = partitions;
  }

  async connect(): Promise<void> {
    this.connects += 1;
    if (this.connectFault !== undefined) throw failure(this.connectFault);
  }

  async openTopic(topic: string, partitions: number): Promise<number> {
    const count = this.topics.get(topic) ?? this.#partitions ?? partitions;
    this.topics.set(topic, count);
    return count;
  }

  async newProducer(): Promise<ProducerIdentity> {
    this.#nextProducer += 1n;
    return { id: this.#nextProducer, epoch: 0 };
  }

  async lastSequences(
    topic: string,
    partitions: readonly number[],
    producer: ProducerIdentity,
  ): Promise<ReadonlyMap<number, number> | undefined> {
    if (!this.describes) return undefined;
    const found = new Map<number, number>();
    for (const partition of partitions) {
      const own = this.#of(`${topic}/${partition}`, keyOf(producer.id, producer.epoch)).at(-1);
      if (own !== undefined) found.set(partition, own.last);
    }
    return found;
  }

  async write(write: SinkWrite): Promise<WrittenBatch> {
    this.writes.push(write);
    const fault = this.fault();
    if (fault !== undefined && fault !== "answer-lost") throw failure(fault);
    if (write.batch.length > this.batchBytesMax) throw failure("too-large");
    const baseOffset = this.#append(write);
    if (fault === "answer-lost") throw failure("unreachable");
    return { baseOffset };
  }

  async close(): Promise<void> {}

  recordsOf(topic: string, partition: number): readonly DecodedRecord[] {
    return this.stored.get(`${topic}/${partition}`) ?? [];
  }

  #append({ topic, partition, batch }: SinkWrite): number {
    const damage = batchDamage(batch);
    if (damage !== undefined) throw new Error(`a damaged batch was sent: ${damage}`);
    if (baseOffset(batch) !== 0 || lastOffsetDelta(batch) !== recordCount(batch) - 1) {
      throw new Error("a producer's batch has offsets 0, 1, 2, ...");
    }
    const place = `${topic}/${partition}`;
    const producer = keyOf(producerId(batch), producerEpoch(batch));
    const first = baseSequence(batch);
    const last = addSequence(first, recordCount(batch) - 1);
    const known = this.#of(place, producer);
    const repeat = known
      .slice(-REMEMBERED_BATCHES)
      .find((each) => each.first === first && each.last === last);
    if (repeat !== undefined) return repeat.baseOffset;
    const previous = known.at(-1);
    if (previous !== undefined && first !== addSequence(previous.last, 1)) {
      throw failure("sequence");
    }
    const log = this.stored.get(place) ?? [];
    this.stored.set(place, log);
    const stored = { producer, first, last, baseOffset: log.length };
    this.#batches.set(place, [...(this.#batches.get(place) ?? []), stored]);
    const placed = Buffer.from(batch);
    assignOffset(placed, toOffset(log.length), 0);
    log.push(...records(placed));
    return stored.baseOffset;
  }

  #of(place: string, producer: string): readonly StoredBatch[] {
    return (this.#batches.get(place) ?? []).filter((each) => each.producer === producer);
  }
}

function keyOf(id: bigint, epoch: number): string {
  return `${id}/${epoch}`;
}

function failure(kind: SinkErrorKind): SinkError {
  return new SinkError(kind, kind.toUpperCase(), `injected: ${kind}`);
}
