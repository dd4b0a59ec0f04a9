/**
 * OffsetForLeaderEpoch, versions 2 to 4 (KIP-320): where an epoch ended, so that a consumer can tell
 * whether what it read was lost since: it was where the consumer stands beyond that end.
 */
import type { Log } from "../../log/contract.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";
import { findLedPartition } from "../partition-lookup.ts";
import { type NamedTopic, readTopicPartitions } from "../read-topic-partitions.ts";

export interface OffsetForLeaderEpochRequest {
  readonly topics: readonly NamedTopic<PartitionToCheck>[];
}

interface PartitionToCheck {
  readonly index: number;
  readonly knownLeaderEpoch: number;
  readonly leaderEpoch: number;
}

export interface OffsetForLeaderEpochResponse {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly EpochEnd[] }[];
}

interface EpochEnd {
  readonly index: number;
  readonly errorCode: KafkaErrorCode;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export const offsetForLeaderEpoch: KafkaApi<
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse
> = {
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [2, 4],
  flexibleFrom: 4,

  decode(reader, version) {
    if (version >= 3) reader.int32(); // Replica id.
    const topics = readTopicPartitions(
      reader,
      () => reader.string(),
      () => {
        const index = reader.int32();
        const knownLeaderEpoch = reader.int32();
        const leaderEpoch = reader.int32();
        reader.tags();
        return { index, knownLeaderEpoch, leaderEpoch };
      },
    );
    reader.tags();
    return { topics };
  },

  handle({ topics }, { broker, rights }) {
    return {
      topics: topics.map(({ name, partitions }) => {
        const mayLook = rights.topic("describe", name);
        const of = (wanted: PartitionToCheck) =>
          mayLook ? endOf(broker.log, name, wanted) : unauthorized(wanted);
        return { name, partitions: partitions.map(of) };
      }),
    };
  },

  encode(writer, { topics }, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ index, errorCode, leaderEpoch, endOffset }) => {
        writer.int16(errorCode).int32(index).int32(leaderEpoch).int64(endOffset).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function unauthorized({ index }: PartitionToCheck): EpochEnd {
  const errorCode = KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED;
  return { index, errorCode, leaderEpoch: -1, endOffset: -1 };
}

function endOf(
  log: Log,
  topicName: string,
  { index, knownLeaderEpoch, leaderEpoch }: PartitionToCheck,
): EpochEnd {
  const unknown = { index, leaderEpoch: -1, endOffset: -1 };
  const partition = findLedPartition(log, topicName, index, knownLeaderEpoch);
  if (typeof partition === "number") return { ...unknown, errorCode: partition };
  const end = log.endOfEpoch(partition, leaderEpoch);
  return { ...unknown, errorCode: KAFKA_ERRORS.NONE, ...end };
}
