/**
 * ListOffsets, versions 1 to 8: where a partition begins and ends, and the first record at or after
 * a time. None there is offset -1 and no error. Special times: -1 the end (without transactions the
 * same for read_committed), -2 and from version 8 -4 (the earliest *local* offset, KIP-405) the
 * start, from version 7 -3 the record with the largest timestamp (KIP-734).
 */
import type { Log, Partition, TimedOffset } from "../../log/contract.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { findLedPartition } from "../partition-lookup.ts";

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;

export interface ListOffsetsRequest {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly PartitionToLookUp[];
  }[];
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

  decode(reader, version) {
    reader.int32(); // Replica id.
    if (version >= 2) reader.int8(); // Isolation level.
    const topics = reader.array(() => {
      const name = reader.string();
      const partitions = reader.array(() => {
        const index = reader.int32();
        const knownLeaderEpoch = version >= 4 ? reader.int32() : -1;
        const timestampMs = reader.int64();
        reader.tags();
        return { index, knownLeaderEpoch, timestampMs };
      });
      reader.tags();
      return { name, partitions };
    });
    reader.tags();
    return { topics };
  },

  async handle(request, { broker, version, rights }) {
    const topics = [];
    for (const { name, partitions } of request.topics) {
      const found: Found[] = [];
      const mayLook = rights.topic("describe", name);
      for (const wanted of partitions) {
        found.push(
          mayLook ? await lookUp(broker.log, name, wanted, version) : unauthorized(wanted),
        );
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
  log: Log,
  topicName: string,
  { index, knownLeaderEpoch, timestampMs }: PartitionToLookUp,
  version: number,
): Promise<Found> {
  const nothing = { index, timestampMs: -1, offset: -1, leaderEpoch: -1 };
  const partition = findLedPartition(log, topicName, index, knownLeaderEpoch);
  if (typeof partition === "number") return { ...nothing, errorCode: partition };
  if (!isServed(timestampMs, version)) {
    return { ...nothing, errorCode: KAFKA_ERRORS.UNSUPPORTED_VERSION };
  }
  try {
    const found = await positionOf(log, partition, timestampMs);
    if (found === undefined) return { ...nothing, errorCode: KAFKA_ERRORS.NONE };
    const { leaderEpoch } = partition;
    return { index, errorCode: KAFKA_ERRORS.NONE, leaderEpoch, ...found };
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
  log: Log,
  partition: Partition,
  timestampMs: number,
): Promise<Pick<TimedOffset, "offset" | "timestampMs"> | undefined> {
  switch (timestampMs) {
    case LATEST:
      return { offset: partition.highWatermark, timestampMs: -1 };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: partition.logStartOffset, timestampMs: -1 };
    case MAX_TIMESTAMP:
      return await log.offsetOfMaxTimestamp(partition);
    default:
      return await log.offsetForTime(partition, timestampMs);
  }
}
