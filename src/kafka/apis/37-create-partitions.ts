/**
 * CreatePartitions, versions 0 to 3: more partitions for topics that there are. Their records stay
 * where they are, so a key may go on in another partition, as in Kafka.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import { checkMorePartitions } from "../../log/topics.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { namedTwice } from "../named-twice.ts";
import { NOT_ALLOWED } from "../rights.ts";

export interface CreatePartitionsRequest {
  readonly topics: readonly TopicToGrow[];
  readonly validateOnly: boolean;
}

interface TopicToGrow {
  readonly name: string;
  /** How many partitions it is to have in all. */
  readonly total: number;
  /** For each new partition the brokers that hold it; null = wherever. */
  readonly assignments: readonly (readonly number[])[] | null;
}

interface GrownTopic {
  readonly name: string;
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
}

export const createPartitions: KafkaApi<CreatePartitionsRequest, readonly GrownTopic[]> = {
  key: 37,
  name: "CreatePartitions",
  versions: [0, 3],
  flexibleFrom: 2,

  decode(reader) {
    const topics = reader.array(readTopic);
    reader.int32(); // Timeout.
    const validateOnly = reader.boolean();
    reader.tags();
    return { topics, validateOnly };
  },

  async handle({ topics, validateOnly }, context) {
    const grown: GrownTopic[] = [];
    const twice = namedTwice(topics.map(({ name }) => name));
    for (const [at, topic] of topics.entries()) {
      const { name } = topic;
      try {
        if (twice.has(name)) {
          throw new KafkaRefusal("INVALID_REQUEST", `${name} is named twice: name it once.`);
        }
        if (at >= context.broker.limits.topicsPerRequestMax) {
          throw new KafkaRefusal("POLICY_VIOLATION", "Give fewer topics partitions at a time.");
        }
        await grow(context, topic, validateOnly);
        grown.push({ name, errorCode: KAFKA_ERRORS.NONE, errorMessage: null });
      } catch (error) {
        grown.push({ name, errorCode: kafkaErrorOf(error), errorMessage: messageOf(error) });
      }
    }
    return grown;
  },

  encode(writer, grown, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(grown, ({ name, errorCode, errorMessage }) => {
      writer.string(name).int16(errorCode).explanation(errorMessage).tags();
    });
    writer.tags();
  },
};

function readTopic(reader: WireReader): TopicToGrow {
  const name = reader.string();
  const total = reader.int32();
  const assignments = reader.nullableArray(() => {
    const brokers = reader.array(() => reader.int32());
    reader.tags();
    return brokers;
  });
  reader.tags();
  return { name, total, assignments };
}

async function grow(
  { broker: { log, logger, nodeId }, rights }: RequestContext,
  { name, total, assignments }: TopicToGrow,
  validateOnly: boolean,
): Promise<void> {
  if (!rights.topic("alter", name)) {
    throw new KafkaRefusal("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
  }
  const topic = log.topic(name);
  if (topic === undefined) throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
  const present = topic.partitions.length;
  checkMorePartitions(name, present, total);
  const isHere = assignments?.every((brokers) => brokers.length === 1 && brokers[0] === nodeId);
  if (assignments !== null && (!isHere || assignments.length !== total - present)) {
    throw new KafkaRefusal(
      "INVALID_REPLICA_ASSIGNMENT",
      `Assign each of the ${total - present} new partitions to broker ${nodeId}, the only one.`,
    );
  }
  if (validateOnly) return;
  await log.addPartitions(name, total);
  logger.info({ topic: name, from: present, to: total }, "a topic got more partitions");
}
