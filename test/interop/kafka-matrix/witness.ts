/**
 * What the gateway's log holds, read with @platformatic/kafka's decoder batch by batch, and what is
 * put there for clients to read. So a client's own word is never held against itself.
 */
import { type CompressionAlgorithmValue, Producer, type RecordsBatch } from "@platformatic/kafka";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { COMPRESSION_CODECS, type CompressionCodec } from "../../../src/wire/record-batch.ts";
import { WireClient } from "../../unit/kafka/wire-client.ts";

const CODEC_BITS = 0x07;
const CONTROL_BIT = 0x20;
const COMMIT_MARKER = 1;
const BYTES_MAX = 1 << 24;

export class Witness {
  readonly #admin: Admin;
  readonly #kafka: Kafka;
  readonly #client: WireClient;
  readonly #broker: string;

  private constructor(kafka: Kafka, admin: Admin, client: WireClient, broker: string) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#client = client;
    this.#broker = broker;
  }

  static async open(port: number): Promise<Witness> {
    const broker = `127.0.0.1:${port}`;
    const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    return new Witness(kafka, admin, await WireClient.open(port), broker);
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
    this.#client.close();
  }

  async createTopic(topic: string, numPartitions = 1): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions }] });
  }

  async write(topic: string, values: readonly string[], codec: CompressionCodec): Promise<void> {
    const producer = new Producer({
      clientId: "witness",
      bootstrapBrokers: [this.#broker],
      ...(codec !== "none" && { compression: codec as CompressionAlgorithmValue }),
    });
    const messages = values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) }));
    await producer.send({ messages });
    await producer.close();
  }

  /** Records with a time each; where `partition` says so, in another partition than the first. */
  async writeRecords(
    topic: string,
    records: readonly { value: string; timeMs?: number; partition?: number }[],
  ): Promise<void> {
    const producer = this.#kafka.producer();
    await producer.connect();
    const messages = records.map(({ value, timeMs, partition = 0 }) => ({
      value,
      partition,
      ...(timeMs !== undefined && { timestamp: String(timeMs) }),
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();
  }

  /** Of a transaction that ends as said. */
  async writeTransaction(topic: string, values: readonly string[], commits: boolean) {
    const producer = this.#kafka.producer({
      transactionalId: `witness-${topic}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
    await (commits ? transaction.commit() : transaction.abort());
    await producer.disconnect();
  }

  /** Which protocol a group speaks, as the gateway lists it. */
  async protocolOf(group: string): Promise<string | undefined> {
    const { groups } = await this.#client.ask("ListGroups", 5, [], []);
    const listed = groups as readonly { groupId: string; groupType: string }[];
    return listed.find(({ groupId }) => groupId === group)?.groupType;
  }

  /** Where a group goes on in the topic's first partition. */
  async committedOffset(groupId: string, topic: string): Promise<number> {
    const [found] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
    return Number(found?.partitions.find(({ partition }) => partition === 0)?.offset);
  }

  /** Everything in the topic's first partition, in order. */
  async stored(topic: string): Promise<Stored> {
    const { topics } = await this.#client.ask("Metadata", 12, [topic], false, false);
    const [{ topicId }] = topics;
    const batches: RecordsBatch[] = [];
    for (let fetchOffset = 0n; ; ) {
      const place = { partition: 0, currentLeaderEpoch: -1, lastFetchedEpoch: -1, fetchOffset };
      const asked = [{ topicId, partitions: [{ ...place, partitionMaxBytes: BYTES_MAX }] }];
      const answer = await this.#client.ask("Fetch", 13, 0, 1, BYTES_MAX, 0, 0, -1, asked, [], "");
      const partition = answer.responses[0].partitions[0];
      if (partition.errorCode !== 0) throw new Error(`Fetch: error ${partition.errorCode}`);
      batches.push(...(partition.records ?? []));
      const last = batches.at(-1);
      if (last !== undefined) fetchOffset = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
      if (fetchOffset >= partition.highWatermark) return new Stored(batches);
    }
  }
}

export class Stored {
  readonly #batches: readonly RecordsBatch[];

  constructor(batches: readonly RecordsBatch[]) {
    this.#batches = batches;
  }

  get values(): string[] {
    return this.#batches.filter((batch) => !isControl(batch)).flatMap(valuesOf);
  }

  /** Those of committed transactions, in the order of their commits, and those of none. */
  get committedValues(): string[] {
    const open = new Map<bigint, string[]>();
    const committed: string[] = [];
    for (const batch of this.#batches) {
      const own = open.get(batch.producerId) ?? [];
      if (!isControl(batch)) {
        open.set(batch.producerId, [...own, ...valuesOf(batch)]);
        continue;
      }
      open.delete(batch.producerId);
      if (batch.records[0]?.key?.readInt16BE(2) === COMMIT_MARKER) committed.push(...own);
    }
    return committed;
  }

  /** The codecs of its batches, each once. */
  get codecs(): (CompressionCodec | undefined)[] {
    const found = this.#batches.map(
      ({ attributes }) => COMPRESSION_CODECS[attributes & CODEC_BITS],
    );
    return [...new Set(found)];
  }

  /** Whether every batch says which producer wrote it, and as its how manieth record. */
  get isIdempotent(): boolean {
    return this.#batches.every(
      ({ producerId, firstSequence }) => producerId >= 0n && firstSequence >= 0,
    );
  }
}

function isControl({ attributes }: RecordsBatch): boolean {
  return (attributes & CONTROL_BIT) !== 0;
}

function valuesOf({ records }: RecordsBatch): string[] {
  return records.map(({ value }) => String(value));
}
