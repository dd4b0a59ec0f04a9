/**
 * DeleteRecords, versions 0 to 2 (KIP-107): what is below an offset is gone, durably, when it is
 * answered. As in Kafka, a topic that is only compacted loses no record to it.
 */
import { toOffset } from "../../base/offset.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { findPartition } from "../partition-lookup.ts";
import { type NamedTopic, readTopicPartitions } from "../read-topic-partitions.ts";

/** All that there is to read: up to the high watermark. */
const EVERYTHING = -1;
const NO_OFFSET = -1;

export interface DeleteRecordsRequest {
  readonly topics: readonly NamedTopic<RecordsToDelete>[];
}

interface RecordsToDelete {
  readonly index: number;
  /** The first offset to keep, or {@link EVERYTHING}. */
  readonly before: number;
}

export interface DeleteRecordsResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly DeletedRecords[];
  }[];
}

interface DeletedRecords {
  readonly index: number;
  /** Where the partition begins now. */
  readonly logStart: number;
  readonly errorCode: KafkaErrorCode;
}

export const deleteRecords: KafkaApi<DeleteRecordsRequest, DeleteRecordsResponse> = {
  key: 21,
  name: "DeleteRecords",
  versions: [0, 2],
  flexibleFrom: 2,

  decode(reader) {
    const topics = readTopicPartitions(
      reader,
      () => reader.string(),
      () => {
        const index = reader.int32();
        const before = reader.int64();
        reader.tags();
        return { index, before };
      },
    );
    reader.int32(); // Timeout.
    reader.tags();
    return { topics };
  },

  async handle({ topics }, context) {
    // Side by side, so that all of them share a flush.
    const deleted = topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((wanted) => deleteBelow(name, wanted, context))),
    }));
    return { topics: await Promise.all(deleted) };
  },

  encode(writer, { topics }, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ index, logStart, errorCode }) => {
        writer.int32(index).int64(logStart).int16(errorCode).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

async function deleteBelow(
  topicName: string,
  { index, before }: RecordsToDelete,
  { broker: { log }, rights }: RequestContext,
): Promise<DeletedRecords> {
  const failed = (errorCode: KafkaErrorCode) => ({ index, logStart: NO_OFFSET, errorCode });
  if (!rights.topic("delete", topicName)) return failed(KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
  const topic = log.topic(topicName);
  const partition = findPartition(topic, index);
  if (typeof partition === "number") return failed(partition);
  if (topic?.config.cleanupPolicy === "compact") return failed(KAFKA_ERRORS.POLICY_VIOLATION);
  if (before < EVERYTHING) return failed(KAFKA_ERRORS.OFFSET_OUT_OF_RANGE);
  try {
    const end = before === EVERYTHING ? partition.highWatermark : toOffset(before);
    const logStart = await log.deleteRecords(partition, end);
    return { index, logStart, errorCode: KAFKA_ERRORS.NONE };
  } catch (error) {
    return failed(kafkaErrorOf(error));
  }
}
