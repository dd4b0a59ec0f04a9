/**
 * DeleteTopics, versions 1 to 6: by name, from version 6 also by id. What consumer groups have
 * committed for a topic goes with it.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi, KafkaBroker } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { NOT_ALLOWED, type Rights } from "../rights.ts";

const TOPIC_IDS_VERSION = 6;
const NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000";

export interface DeleteTopicsRequest {
  readonly topics: readonly TopicToDelete[];
}

interface TopicToDelete {
  /** null = by id. */
  readonly name: string | null;
  readonly id: string;
}

export interface DeleteTopicsResponse {
  readonly topics: readonly DeletedTopic[];
}

interface DeletedTopic extends TopicToDelete {
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
}

export const deleteTopics: KafkaApi<DeleteTopicsRequest, DeleteTopicsResponse> = {
  key: 20,
  name: "DeleteTopics",
  versions: [1, 6],
  flexibleFrom: 4,

  decode(reader, version) {
    const topics = reader.array((each) => readTopic(each, version));
    reader.int32(); // Timeout.
    reader.tags();
    return { topics };
  },

  async handle({ topics }, { broker, rights }) {
    const deleted: DeletedTopic[] = [];
    for (const topic of topics) deleted.push(await deleteTopic(broker, rights, topic));
    return { topics: deleted };
  },

  encode(writer, { topics }, version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, ({ name, id, errorCode, errorMessage }) => {
      if (version >= TOPIC_IDS_VERSION) writer.nullableString(name).uuid(id);
      else writer.string(name ?? "");
      writer.int16(errorCode);
      if (version >= 5) writer.explanation(errorMessage);
      writer.tags();
    });
    writer.tags();
  },
};

function readTopic(reader: WireReader, version: number): TopicToDelete {
  if (version < TOPIC_IDS_VERSION) return { name: reader.string(), id: NO_TOPIC_ID };
  const name = reader.nullableString();
  const id = reader.uuid();
  reader.tags();
  return { name, id };
}

async function deleteTopic(
  broker: KafkaBroker,
  rights: Rights,
  { name, id }: TopicToDelete,
): Promise<DeletedTopic> {
  const topic = name === null ? broker.log.topicById(id) : broker.log.topic(name);
  const known = topic?.name ?? name;
  try {
    // Nor is a name told to somebody who only has the id.
    if (known !== null && !(rights.topic("describe", known) && rights.topic("delete", known))) {
      throw new KafkaRefusal("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    if (topic === undefined) {
      if (name === null) throw new KafkaRefusal("UNKNOWN_TOPIC_ID", "No topic has this id.");
      throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
    }
    if (topic.internal) {
      throw new KafkaRefusal("INVALID_REQUEST", `${topic.name} is the gateway's own topic.`);
    }
    await broker.log.deleteTopic(topic.name);
    await broker.groups.forgetTopic(topic.id);
    broker.logger.info({ topic: topic.name }, "topic deleted");
    return { name: topic.name, id: topic.id, errorCode: KAFKA_ERRORS.NONE, errorMessage: null };
  } catch (error) {
    return { name, id, errorCode: kafkaErrorOf(error), errorMessage: messageOf(error) };
  }
}
