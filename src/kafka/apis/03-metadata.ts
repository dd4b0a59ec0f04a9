/**
 * Metadata, versions 0 to 12: one broker, which leads everything. Asking for a topic by name creates
 * it where the broker and (from version 4) the client allow that: client suites assume it. By id
 * (from version 10; clients may use it from 12) nothing is created.
 */
import type { Topic } from "../../log/contract.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { NOT_ASKED } from "../rights.ts";
import { findOrCreateTopic } from "../topic-creation.ts";

const NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000";

export interface MetadataRequest {
  /** null = all topics. */
  readonly topics: readonly WantedTopic[] | null;
  readonly autoCreate: boolean;
  readonly clusterOperationsAsked: boolean;
  readonly topicOperationsAsked: boolean;
}

interface WantedTopic {
  readonly id: string;
  readonly name: string | null;
}

export interface MetadataResponse {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly clusterId: string;
  readonly topics: readonly DescribedTopic[];
  readonly clusterOperations: number;
  /** What the client may do with it (KIP-430). */
  readonly topicOperations: (topic: Topic | undefined) => number;
}

interface DescribedTopic {
  readonly errorCode: KafkaErrorCode;
  readonly name: string | null;
  readonly id: string;
  readonly topic: Topic | undefined;
}

export const metadata: KafkaApi<MetadataRequest, MetadataResponse> = {
  key: 3,
  name: "Metadata",
  versions: [0, 12],
  flexibleFrom: 9,

  decode(reader, version) {
    const listed = reader.nullableArray((each) => readWanted(each, version));
    // Version 0 has no null: there, an empty list asks for all.
    const topics = version === 0 && listed?.length === 0 ? null : listed;
    const autoCreate = version >= 4 ? reader.boolean() : true;
    const clusterOperationsAsked = version >= 8 && version <= 10 ? reader.boolean() : false;
    const topicOperationsAsked = version >= 8 ? reader.boolean() : false;
    reader.tags();
    return { topics, autoCreate, clusterOperationsAsked, topicOperationsAsked };
  },

  async handle(request, context) {
    const { broker, advertised } = context;
    return {
      nodeId: broker.nodeId,
      host: advertised.host,
      port: advertised.port,
      clusterId: broker.clusterId,
      topics: await describeTopics(request, context),
      clusterOperations: context.rights.clusterOperations(request.clusterOperationsAsked),
      topicOperations: (topic) =>
        topic === undefined
          ? NOT_ASKED
          : context.rights.topicOperations(request.topicOperationsAsked, topic.name),
    };
  },

  encode(writer, response, version, throttleMs) {
    const { nodeId, host, port, clusterId, topics } = response;
    if (version >= 3) writer.int32(throttleMs);
    writer.array([nodeId], () => {
      writer.int32(nodeId).string(host).int32(port);
      if (version >= 1) writer.nullableString(null); // Rack.
      writer.tags();
    });
    if (version >= 2) writer.nullableString(clusterId);
    if (version >= 1) writer.int32(nodeId); // Controller.
    writer.array(topics, (topic) => writeTopic(writer, topic, response, version));
    if (version >= 8 && version <= 10) writer.int32(response.clusterOperations);
    writer.tags();
  },
};

function readWanted(reader: WireReader, version: number): WantedTopic {
  const id = version >= 10 ? reader.uuid() : NO_TOPIC_ID;
  const name = version >= 10 ? reader.nullableString() : reader.string();
  reader.tags();
  return { id, name };
}

async function describeTopics(
  { topics, autoCreate }: MetadataRequest,
  { broker, rights }: RequestContext,
): Promise<DescribedTopic[]> {
  if (topics === null) {
    return broker.log
      .topics()
      .filter(({ name }) => rights.topic("describe", name))
      .map(describe);
  }
  const described: DescribedTopic[] = [];
  let mayCreate = autoCreate && broker.autoCreateTopics ? broker.limits.topicsPerRequestMax : 0;
  for (const { id, name } of once(topics)) {
    // Who asks by id may leave the name empty, as the Java client does, or null.
    if (name === null || id !== NO_TOPIC_ID) {
      const topic = broker.log.topicById(id);
      // An id tells who may not look at its topic no name.
      const found = topic !== undefined && rights.topic("describe", topic.name);
      described.push(found ? describe(topic) : missing(null, KAFKA_ERRORS.UNKNOWN_TOPIC_ID, id));
      continue;
    }
    if (!rights.topic("describe", name)) {
      described.push(missing(name, KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED));
      continue;
    }
    const topic = broker.log.topic(name);
    if (topic !== undefined) described.push(describe(topic));
    else if (mayCreate === 0) {
      described.push(missing(name, KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION));
    } else if (!rights.createTopic(name)) {
      described.push(missing(name, KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED));
    } else {
      mayCreate -= 1;
      try {
        described.push(describe(await findOrCreateTopic(broker, name)));
      } catch (error) {
        described.push(missing(name, kafkaErrorOf(error)));
      }
    }
  }
  return described;
}

/** Each topic is described once, however often it is named. */
function once(topics: readonly WantedTopic[]): Iterable<WantedTopic> {
  return new Map(topics.map((topic) => [`${topic.id}/${topic.name}`, topic])).values();
}

function describe(topic: Topic): DescribedTopic {
  return { errorCode: KAFKA_ERRORS.NONE, name: topic.name, id: topic.id, topic };
}

function missing(name: string | null, errorCode: KafkaErrorCode, id = NO_TOPIC_ID): DescribedTopic {
  return { errorCode, name, id, topic: undefined };
}

function writeTopic(
  writer: WireWriter,
  { errorCode, name, id, topic }: DescribedTopic,
  { nodeId, topicOperations }: MetadataResponse,
  version: number,
): void {
  writer.int16(errorCode);
  if (version >= 12) writer.nullableString(name);
  else writer.string(name ?? "");
  if (version >= 10) writer.uuid(id);
  if (version >= 1) writer.boolean(topic?.internal ?? false);
  writer.array(topic?.partitions ?? [], ({ index, leaderEpoch }) => {
    writer.int16(KAFKA_ERRORS.NONE).int32(index).int32(nodeId);
    if (version >= 7) writer.int32(leaderEpoch);
    writer.array([nodeId], (id) => writer.int32(id)); // Replicas.
    writer.array([nodeId], (id) => writer.int32(id)); // Those in sync.
    if (version >= 5) writer.array([], () => {}); // Those offline.
    writer.tags();
  });
  if (version >= 8) writer.int32(topicOperations(topic));
  writer.tags();
}
