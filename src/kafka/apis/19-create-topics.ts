/**
 * CreateTopics, versions 2 to 7: with settings, dry runs (validate_only) and the broker's defaults
 * for -1 (KIP-464). There is one broker, so one replica of each partition, wherever it is asked for.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { ConfigChange, Topic } from "../../log/contract.ts";
import { checkTopicConfig } from "../../log/topic-config.ts";
import { checkTopicName } from "../../log/topic-name.ts";
import { checkPartitionCount } from "../../log/topics.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi, KafkaBroker } from "../api.ts";
import type { DescribedConfig } from "../configs/described-config.ts";
import { type AskedConfig, configChange, describeTopicConfigs } from "../configs/topic-configs.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { namedTwice } from "../named-twice.ts";
import { NOT_ALLOWED } from "../rights.ts";
import { createTopic } from "../topic-creation.ts";

const NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000";
const BROKER_DEFAULT = -1;

export interface CreateTopicsRequest {
  readonly topics: readonly TopicToCreate[];
  readonly validateOnly: boolean;
}

interface TopicToCreate {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partition: number; readonly brokers: number[] }[];
  readonly configs: readonly AskedConfig[];
}

export interface CreateTopicsResponse {
  readonly topics: readonly CreatedTopic[];
}

interface CreatedTopic {
  readonly name: string;
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
  readonly partitions: number;
  /** The topic as it is now; undefined after an error or a dry run. */
  readonly topic: Topic | undefined;
  /** Its settings; null after an error or a dry run. */
  readonly configs: readonly DescribedConfig[] | null;
}

export const createTopics: KafkaApi<CreateTopicsRequest, CreateTopicsResponse> = {
  key: 19,
  name: "CreateTopics",
  versions: [2, 7],
  flexibleFrom: 5,

  decode(reader) {
    const topics = reader.array(readTopic);
    reader.int32(); // Timeout.
    const validateOnly = reader.boolean();
    reader.tags();
    return { topics, validateOnly };
  },

  async handle({ topics, validateOnly }, { broker, rights }) {
    const twice = namedTwice(topics.map(({ name }) => name));
    const created: CreatedTopic[] = [];
    for (const [at, topic] of topics.entries()) {
      const { name } = topic;
      if (twice.has(name)) {
        created.push(failed(name, KAFKA_ERRORS.INVALID_REQUEST, "Name each topic once."));
      } else if (at >= broker.limits.topicsPerRequestMax) {
        const reason = "Create fewer topics at a time.";
        created.push(failed(name, KAFKA_ERRORS.POLICY_VIOLATION, reason));
      } else if (!rights.createTopic(name)) {
        created.push(failed(name, KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED, NOT_ALLOWED));
      } else created.push(await create(broker, topic, validateOnly));
    }
    return { topics: created };
  },

  encode(writer, { topics }, version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, (topic) => {
      writer.string(topic.name);
      if (version >= 7) writer.uuid(topic.topic?.id ?? NO_TOPIC_ID);
      writer.int16(topic.errorCode).explanation(topic.errorMessage);
      if (version >= 5) writeDetails(writer, topic);
      writer.tags();
    });
    writer.tags();
  },
};

function readTopic(reader: WireReader): TopicToCreate {
  const name = reader.string();
  const partitions = reader.int32();
  const replicationFactor = reader.int16();
  const assignments = reader.array(() => {
    const partition = reader.int32();
    const brokers = reader.array(() => reader.int32());
    reader.tags();
    return { partition, brokers };
  });
  const configs = reader.array(() => {
    const name = reader.string();
    const value = reader.nullableString();
    reader.tags();
    return { name, value };
  });
  reader.tags();
  return { name, partitions, replicationFactor, assignments, configs };
}

async function create(
  broker: KafkaBroker,
  wanted: TopicToCreate,
  validateOnly: boolean,
): Promise<CreatedTopic> {
  const { name } = wanted;
  try {
    const partitions = partitionCount(broker, wanted);
    const config = configChange(wanted.configs);
    if (validateOnly) checkOnly(broker, name, partitions, config);
    const topic = validateOnly ? undefined : await createTopic(broker, name, partitions, config);
    const configs =
      topic === undefined ? null : describeTopicConfigs(topic, broker.log.topicDefaults);
    return { name, errorCode: KAFKA_ERRORS.NONE, errorMessage: null, partitions, topic, configs };
  } catch (error) {
    return failed(name, kafkaErrorOf(error), messageOf(error));
  }
}

function partitionCount(broker: KafkaBroker, wanted: TopicToCreate): number {
  const { partitions, replicationFactor, assignments } = wanted;
  if (assignments.length > 0) {
    const isHere = assignments.every(
      ({ brokers }) => brokers.length === 1 && brokers[0] === broker.nodeId,
    );
    const numbers = new Set(assignments.map(({ partition }) => partition));
    const isWhole =
      numbers.size === assignments.length &&
      assignments.every(({ partition }) => partition >= 0 && partition < assignments.length);
    if (isHere && isWhole) return assignments.length;
    throw new KafkaRefusal(
      "INVALID_REPLICA_ASSIGNMENT",
      `Assign every partition from 0 on to broker ${broker.nodeId}, the only one.`,
    );
  }
  if (replicationFactor !== 1 && replicationFactor !== BROKER_DEFAULT) {
    throw new KafkaRefusal(
      "INVALID_REPLICATION_FACTOR",
      `A replication factor of ${replicationFactor} needs more brokers than this one; use 1 or -1.`,
    );
  }
  return partitions === BROKER_DEFAULT ? broker.defaultPartitions : partitions;
}

/** What creating would refuse, without creating. */
function checkOnly(
  broker: KafkaBroker,
  name: string,
  partitions: number,
  config: ConfigChange,
): void {
  checkTopicName(name);
  checkPartitionCount(name, partitions);
  checkTopicConfig(config);
  if (broker.log.topic(name) !== undefined) {
    throw new TributaryError("TOPIC_EXISTS", `Topic ${name} exists already.`);
  }
}

function failed(name: string, errorCode: KafkaErrorCode, errorMessage: string): CreatedTopic {
  return { name, errorCode, errorMessage, partitions: -1, topic: undefined, configs: null };
}

/** KIP-525: what the topic has become. */
function writeDetails(writer: WireWriter, { errorCode, partitions, configs }: CreatedTopic): void {
  writer.int32(partitions).int16(errorCode === KAFKA_ERRORS.NONE ? 1 : -1);
  writer.nullableArray(configs, ({ name, value, readOnly, source }) => {
    writer.string(name).nullableString(value).boolean(readOnly).int8(source).boolean(false).tags();
  });
}
