/**
 * Apache Kafka, or anything that speaks its protocol, as the upstream system: who leads which
 * partition, topics made where they are missing, batches sent to their leaders. Owner of its
 * metadata and of one outbox for each broker.
 */
import {
  type ConnectionOptions,
  createTopicsV7,
  describeProducersV0,
  initProducerIdV4,
  metadataV9,
  type produceV9,
} from "@platformatic/kafka";
import type { ForwarderLimits } from "../limits.ts";
import {
  type ProducerIdentity,
  type Sink,
  SinkError,
  type SinkWrite,
  type WrittenBatch,
} from "../sink.ts";
import {
  type BrokerAddress,
  type BrokerConnection,
  BrokerConnections,
} from "./kafka/broker-connections.ts";
import {
  INVALID_CONFIG,
  kafkaError,
  NO_ERROR,
  responseIn,
  sinkErrorOf,
  TOPIC_ALREADY_EXISTS,
  UNKNOWN_TOPIC_OR_PARTITION,
} from "./kafka/kafka-errors.ts";
import { Outbox } from "./kafka/outbox.ts";
import { produceBatches } from "./kafka/produce-request.ts";
import { kafkaName } from "./kafka-name.ts";

export interface KafkaSinkOptions {
  readonly brokers: readonly BrokerAddress[];
  readonly clientId: string;
  readonly connection: Pick<ConnectionOptions, "tls" | "tlsServerName" | "sasl">;
  readonly creation: TopicCreation;
  readonly limits: ForwarderLimits;
}

export interface TopicCreation {
  /** Whether topics that are missing upstream are created there. */
  readonly enabled: boolean;
  /** As many partitions as the topic has here, without it. */
  readonly partitions?: number;
  /** The cluster's default, without it. */
  readonly replication?: number;
  readonly configs: Readonly<Record<string, string>>;
}

/**
 * A gateway forwards what devices say, also those whose clock is wrong: Kafka's own default refuses
 * a whole batch for one record from more than an hour ahead.
 */
export const DEFAULT_TOPIC_CREATION: TopicCreation = {
  enabled: true,
  configs: { "message.timestamp.after.max.ms": "9223372036854775807" },
};

const CLUSTER_DEFAULT = -1;
/** Kafka answers within its own time-out; the rest of ours is for the way. */
const BROKER_TIME_SHARE = 0.6;
/** InitProducerId asks for it, though without a transactional id it means nothing. */
const TRANSACTION_TIMEOUT_MS = 60_000;

export class KafkaSink implements Sink {
  readonly name: string;
  readonly #options: KafkaSinkOptions;
  readonly #connections: BrokerConnections;
  readonly #brokers = new Map<number, BrokerAddress>();
  /** By topic: the leader of each partition, -1 where it has none now. */
  readonly #leaders = new Map<string, readonly number[]>();
  readonly #opening = new Map<string, Promise<number>>();
  readonly #outboxes = new Map<number, Outbox>();
  readonly #brokerTimeoutMs: number;
  #controller = CLUSTER_DEFAULT;

  constructor(options: KafkaSinkOptions) {
    const { limits, connection } = options;
    this.#options = options;
    this.name = kafkaName(options.brokers);
    this.#brokerTimeoutMs = Math.round(limits.requestTimeoutMs * BROKER_TIME_SHARE);
    this.#connections = new BrokerConnections(options.clientId, {
      ...connection,
      connectTimeout: limits.connectTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      maxInflights: limits.requestsInFlightMax + 2,
    });
  }

  async connect(): Promise<void> {
    await this.#learn([...this.#leaders.keys()]);
  }

  async openTopic(topic: string, partitions: number): Promise<number> {
    const known = this.#leaders.get(topic);
    if (known !== undefined) return known.length;
    const opening =
      this.#opening.get(topic) ??
      this.#findOrCreate(topic, partitions).finally(() => this.#opening.delete(topic));
    this.#opening.set(topic, opening);
    return await opening;
  }

  async newProducer(): Promise<ProducerIdentity> {
    const { connection } = await this.#anyBroker();
    const request = initProducerIdV4.api.async(connection, null, TRANSACTION_TIMEOUT_MS, -1n, -1);
    const response = await request.catch((error: unknown) => {
      throw sinkErrorOf(error, "a request for a producer id");
    });
    return { id: response.producerId, epoch: response.producerEpoch };
  }

  async lastSequences(
    topic: string,
    partitions: readonly number[],
    producer: ProducerIdentity,
  ): Promise<ReadonlyMap<number, number> | undefined> {
    const sequences = new Map<number, number>();
    const byLeader = Map.groupBy(partitions, (partition) => this.#leaderOf(topic, partition));
    for (const [leader, partitionIndexes] of byLeader) {
      const { connection, describesProducers } = await this.#broker(leader);
      if (!describesProducers) return undefined;
      const response = await settled<describeProducersV0.DescribeProducersResponse>(
        describeProducersV0.api.async(connection, [{ name: topic, partitionIndexes }]),
        `asking for the producers of ${topic}`,
      );
      for (const found of response.topics.flatMap((each) => each.partitions)) {
        if (found.errorCode !== NO_ERROR) {
          const what = `asking for the producers of ${topic}/${found.partitionIndex}`;
          const error = kafkaError(found.errorCode, what, found.errorMessage);
          // Not being allowed to ask is no reason to stand still: a few records may repeat.
          if (error.kind === "refused") return undefined;
          throw error;
        }
        const own = found.activeProducers.find(
          ({ producerId, producerEpoch }) =>
            producerId === producer.id && producerEpoch === producer.epoch,
        );
        if (own !== undefined) sequences.set(found.partitionIndex, own.lastSequence);
      }
    }
    return sequences;
  }

  async write(write: SinkWrite): Promise<WrittenBatch> {
    const leader = this.#leaderOf(write.topic, write.partition);
    const outbox = this.#outboxes.get(leader) ?? this.#outboxFor(leader);
    return await outbox.add(write);
  }

  async close(): Promise<void> {
    this.#connections.close();
  }

  #outboxFor(leader: number): Outbox {
    const outbox = new Outbox(async (writes) => {
      const { connection } = await this.#broker(leader);
      return await settled<produceV9.ProduceResponse>(
        produceBatches.async(connection, this.#brokerTimeoutMs, writes),
        "a produce request",
      );
    }, this.#options.limits);
    this.#outboxes.set(leader, outbox);
    return outbox;
  }

  async #findOrCreate(topic: string, partitions: number): Promise<number> {
    await this.#learn([topic]);
    const found = this.#leaders.get(topic);
    if (found !== undefined) return found.length;
    const { creation } = this.#options;
    if (!creation.enabled) {
      throw new SinkError(
        "refused",
        "UNKNOWN_TOPIC_OR_PARTITION",
        `The topic ${topic} does not exist upstream: create it there, or let topics be created`,
      );
    }
    const wanted = creation.partitions ?? partitions;
    const configs = Object.entries(creation.configs).map(([name, value]) => ({ name, value }));
    let errorCode = await this.#create(topic, wanted, configs);
    // An older or another broker may not know a setting; the topic matters more.
    if (errorCode === INVALID_CONFIG) errorCode = await this.#create(topic, wanted, []);
    if (errorCode !== NO_ERROR && errorCode !== TOPIC_ALREADY_EXISTS) {
      throw kafkaError(errorCode, `creating the topic ${topic}`);
    }
    await this.#learn([topic]);
    const created = this.#leaders.get(topic);
    // Creation is seen by the brokers one after another.
    if (created === undefined) throw kafkaError(UNKNOWN_TOPIC_OR_PARTITION, `opening ${topic}`);
    return created.length;
  }

  async #create(
    name: string,
    numPartitions: number,
    configs: { name: string; value: string }[],
  ): Promise<number> {
    const controller = this.#brokers.get(this.#controller);
    const { connection } = await (controller === undefined
      ? this.#anyBroker()
      : this.#connections.to(controller));
    const replicationFactor = this.#options.creation.replication ?? CLUSTER_DEFAULT;
    const topic = { name, numPartitions, replicationFactor, assignments: [], configs };
    const request = createTopicsV7.api.async(connection, [topic], this.#brokerTimeoutMs, false);
    const response = await settled<createTopicsV7.CreateTopicsResponse>(
      request,
      `creating the topic ${name}`,
    );
    return response.topics[0]?.errorCode ?? NO_ERROR;
  }

  /** Asks where `topics` are now; one that is gone is forgotten. */
  async #learn(topics: readonly string[]): Promise<void> {
    const { connection } = await this.#anyBroker();
    const metadata = await settled<metadataV9.MetadataResponse>(
      metadataV9.api.async(connection, [...topics], false),
      "a metadata request",
    );
    this.#controller = metadata.controllerId;
    this.#brokers.clear();
    for (const { nodeId, host, port } of metadata.brokers)
      this.#brokers.set(nodeId, { host, port });
    for (const { name, errorCode, partitions } of metadata.topics) {
      if (errorCode === NO_ERROR) {
        const leaders = partitions.map(() => CLUSTER_DEFAULT);
        for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
        this.#leaders.set(name, leaders);
      } else if (errorCode === UNKNOWN_TOPIC_OR_PARTITION) {
        this.#leaders.delete(name);
      } else {
        const error = kafkaError(errorCode, `asking where ${name} is`);
        // One topic's refusal must not keep the others from being found.
        if (topics.length === 1 && !this.#leaders.has(name)) throw error;
      }
    }
  }

  #leaderOf(topic: string, partition: number): number {
    const leader = this.#leaders.get(topic)?.[partition] ?? CLUSTER_DEFAULT;
    if (leader >= 0) return leader;
    const message = `${topic}/${partition} has no leader upstream now`;
    throw new SinkError("unreachable", "LEADER_NOT_AVAILABLE", message);
  }

  async #broker(id: number): Promise<BrokerConnection> {
    const address = this.#brokers.get(id);
    if (address !== undefined) return await this.#connections.to(address);
    throw new SinkError("unreachable", "BROKER_NOT_AVAILABLE", `Upstream broker ${id} is gone`);
  }

  async #anyBroker(): Promise<BrokerConnection> {
    return await this.#connections.toAny([...this.#brokers.values(), ...this.#options.brokers]);
  }
}

/**
 * The response, also where a part of it failed: the library throws those, but each part is looked
 * at here. @throws SinkError where there is no response
 */
async function settled<T>(request: Promise<unknown>, what: string): Promise<T> {
  try {
    return (await request) as T;
  } catch (error) {
    const response = responseIn<T>(error);
    if (response !== undefined) return response;
    throw sinkErrorOf(error, what);
  }
}
