/**
 * ListOffsets, versions 1 to 8: where a partition begins and ends, and the first record at or after
 * a time. None there is offset -1 and no error. Special times: -1 the end, -2 and from version 8 -4
 * (the earliest *local* offset, KIP-405) the start, from version 7 -3 the record with the largest
 * timestamp (KIP-734). For a reader of committed records the end is the last stable offset, and what
 * is found at or above it is none.
 *
 * A search by time may have to read much: a few run at a time, of all connections. One whose client has
 * gone ends, and so does one that keeps others waiting for the memory of what stands behind it. Who
 * reads the answer all the same must not take that for "none": it is told to ask again.
 */
import type { Partition, TimedOffset } from "../../log/contract.ts";
import { type KafkaApi, PARTITION_REQUEST_BYTES_MAX, type RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import type { Isolation } from "../fetch/fetched-partition.ts";
import { readIsolation } from "../fetch/read-isolation.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { findLedPartition } from "../partition-lookup.ts";
import { type NamedTopic, readTopicPartitions } from "../read-topic-partitions.ts";

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;

export interface ListOffsetsRequest {
  readonly isolation: Isolation;
  readonly topics: readonly NamedTopic<PartitionToLookUp>[];
}

interface PartitionToLookUp {
  readonly index: number;
  readonly knownLeaderEpoch: number;
  /** Milliseconds since 1970, or one of the special times. */
  readonly timestampMs: number;
}

export interface ListOffsetsResponse {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly Found[] }[];
}

interface Found {
  readonly index: number;
  readonly errorCode: KafkaErrorCode;
  readonly timestampMs: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export const listOffsets: KafkaApi<ListOffsetsRequest, ListOffsetsResponse> = {
  key: 2,
  name: "ListOffsets",
  versions: [1, 8],
  flexibleFrom: 6,
  requestBytesMax: PARTITION_REQUEST_BYTES_MAX,
  waits: true,

  decode(reader, version) {
    reader.int32(); // Replica id.
    const isolation = version >= 2 ? readIsolation(reader) : "uncommitted";
    const topics = readTopicPartitions(
      reader,
      () => reader.string(),
      () => {
        const index = reader.int32();
        const knownLeaderEpoch = version >= 4 ? reader.int32() : -1;
        const timestampMs = reader.int64();
        reader.tags();
        return { index, knownLeaderEpoch, timestampMs };
      },
    );
    reader.tags();
    return { isolation, topics };
  },

  async handle(request, context) {
    const { rights } = context;
    const { isolation } = request;
    const topics = [];
    for (const { name, partitions } of request.topics) {
      const found: Found[] = [];
      const mayLook = rights.topic("describe", name);
      for (const wanted of partitions) {
        found.push(mayLook ? await lookUp(name, wanted, isolation, context) : unauthorized(wanted));
      }
      topics.push({ name, partitions: found });
    }
    return { topics };
  },

  encode(writer, { topics }, version, throttleMs) {
    if (version >= 2) writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, (found) => {
        writer.int32(found.index).int16(found.errorCode);
        writer.int64(found.timestampMs).int64(found.offset);
        if (version >= 4) writer.int32(found.leaderEpoch);
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function unauthorized({ index }: PartitionToLookUp): Found {
  const errorCode = KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED;
  return { index, errorCode, timestampMs: -1, offset: -1, leaderEpoch: -1 };
}

async function lookUp(
  topicName: string,
  { index, knownLeaderEpoch, timestampMs }: PartitionToLookUp,
  isolation: Isolation,
  context: RequestContext,
): Promise<Found> {
  const nothing = { index, timestampMs: -1, offset: -1, leaderEpoch: -1 };
  const partition = findLedPartition(context.broker.log, topicName, index, knownLeaderEpoch);
  if (typeof partition === "number") return { ...nothing, errorCode: partition };
  if (!isServed(timestampMs, context.version)) {
    return { ...nothing, errorCode: KAFKA_ERRORS.UNSUPPORTED_VERSION };
  }
  try {
    const found = await positionOf(partition, timestampMs, isolation, context);
    return { ...nothing, errorCode: KAFKA_ERRORS.NONE, ...found };
  } catch (error) {
    return { ...nothing, errorCode: kafkaErrorOf(error) };
  }
}

function isServed(timestampMs: number, version: number): boolean {
  if (timestampMs >= EARLIEST) return true;
  if (timestampMs === MAX_TIMESTAMP) return version >= 7;
  return timestampMs === EARLIEST_LOCAL && version >= 8;
}

async function positionOf(
  partition: Partition,
  timestampMs: number,
  isolation: Isolation,
  { broker, hurry }: RequestContext,
): Promise<TimedOffset | undefined> {
  const { log, timeSearches } = broker;
  const { logStartOffset, leaderEpoch } = partition;
  const end = () =>
    isolation === "committed" ? partition.lastStableOffset : partition.highWatermark;
  const search = async (find: () => Promise<TimedOffset | undefined>) => {
    const found = await timeSearches.run(hurry, find);
    if (found === undefined && hurry.aborted) {
      throw new KafkaRefusal("NOT_LEADER_OR_FOLLOWER", "The search had to end: ask again.");
    }
    return found !== undefined && found.offset < end() ? found : undefined;
  };
  switch (timestampMs) {
    case LATEST:
      return { offset: end(), timestampMs: -1, leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const firstEpoch = log.leaderEpochAt(partition, logStartOffset);
      return { offset: logStartOffset, timestampMs: -1, leaderEpoch: firstEpoch };
    }
    case MAX_TIMESTAMP:
      return await search(() => log.offsetOfMaxTimestamp(partition, hurry));
    default:
      return await search(() => log.offsetForTime(partition, timestampMs, hurry));
  }
}
