/**
 * Fetch, versions 4 to 16. From 12 flexible, from 13 by topic id (KIP-516): a topic made again under
 * the same name is another one.
 *
 * Sessions (KIP-227) are never granted: session id 0, and every partition that was asked for is
 * answered. Batches go out as they are stored; one that began before the wanted offset comes whole.
 * Without transactions the last stable offset is the high watermark. Who is over its quota is answered
 * nothing, before anything is read (KIP-219).
 */
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";
import { type FetchedPartition, type FetchTarget, fetchPartitions } from "../fetch-poll.ts";

const TOPIC_IDS_VERSION = 13;

export interface FetchRequest {
  readonly waitMsMax: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly sessionId: number;
  readonly topics: readonly TopicToFetch[];
}

interface TopicToFetch {
  /** The topic's name, or from version 13 its id. */
  readonly topic: string;
  readonly partitions: readonly PartitionToFetch[];
}

interface PartitionToFetch {
  readonly index: number;
  readonly knownLeaderEpoch: number;
  readonly from: number;
  readonly bytesMax: number;
}

export interface FetchResponse {
  readonly errorCode: KafkaErrorCode;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

export const fetch: KafkaApi<FetchRequest, FetchResponse> = {
  key: 1,
  name: "Fetch",
  versions: [4, 16],
  flexibleFrom: 12,
  quota: "consumer_byte_rate",

  decode(reader, version) {
    if (version < 15) reader.int32(); // Replica id: nobody replicates from this broker.
    const waitMsMax = reader.int32();
    const bytesMin = reader.int32();
    const bytesMax = reader.int32();
    reader.int8(); // Isolation level: both are the same without transactions.
    const sessionId = version >= 7 ? reader.int32() : 0;
    if (version >= 7) reader.int32(); // Session epoch.
    const topics = reader.array((each) => readTopic(each, version));
    if (version >= 7) reader.array((each) => readForgotten(each, version));
    if (version >= 11) reader.string(); // Rack: there is one replica.
    reader.tags();
    return { waitMsMax, bytesMin, bytesMax, sessionId, topics };
  },

  async handle(request, context) {
    if (request.sessionId !== 0) {
      return { errorCode: KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND, topics: [] };
    }
    const { log, limits, quotas } = context.broker;
    const quotaBytes = quotas.fetchBytesMax(context.quotaClient);
    if (quotaBytes === 0) return { errorCode: KAFKA_ERRORS.NONE, topics: [] };
    const targets = request.topics.flatMap((topic) => targetsOf(topic, context));
    const rules = {
      bytesMin: request.bytesMin,
      bytesMax: clamp(request.bytesMax, Math.min(limits.fetchBytesMax, quotaBytes)),
      waitMsMax: clamp(request.waitMsMax, limits.fetchWaitMsMax),
      readSliceBytes: limits.readSliceBytes,
      pace: context.broker.readerPace,
    };
    const fetched = await fetchPartitions(log, targets, rules, context.signal);
    let at = 0;
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: fetched.slice(at, (at += partitions.length)),
    }));
    return { errorCode: KAFKA_ERRORS.NONE, topics };
  },

  encode(writer, { errorCode, topics }, version, throttleMs) {
    writer.int32(throttleMs);
    if (version >= 7) writer.int16(errorCode).int32(0);
    writer.array(topics, ({ topic, partitions }) => {
      if (version >= TOPIC_IDS_VERSION) writer.uuid(topic);
      else writer.string(topic);
      writer.array(partitions, (fetched) => writePartition(writer, fetched, version));
      writer.tags();
    });
    writer.tags();
  },
};

function readTopic(reader: WireReader, version: number): TopicToFetch {
  const topic = version >= TOPIC_IDS_VERSION ? reader.uuid() : reader.string();
  const partitions = reader.array(() => {
    const index = reader.int32();
    const knownLeaderEpoch = version >= 9 ? reader.int32() : -1;
    const from = reader.int64();
    if (version >= 12) reader.int32(); // Last fetched epoch: for replicas.
    if (version >= 5) reader.int64(); // The follower's log start.
    const bytesMax = reader.int32();
    reader.tags();
    return { index, knownLeaderEpoch, from, bytesMax };
  });
  reader.tags();
  return { topic, partitions };
}

/** What a session would drop; there are no sessions. */
function readForgotten(reader: WireReader, version: number): void {
  if (version >= TOPIC_IDS_VERSION) reader.uuid();
  else reader.string();
  reader.array(() => reader.int32());
  reader.tags();
}

function targetsOf({ topic, partitions }: TopicToFetch, context: RequestContext): FetchTarget[] {
  const { log } = context.broker;
  const byId = context.version >= TOPIC_IDS_VERSION;
  const find = () => (byId ? log.topicById(topic) : log.topic(topic));
  // Who may not read a topic does not learn by its name whether there is one.
  const name = byId ? find()?.name : topic;
  if (name !== undefined && !context.rights.topic("read", name)) {
    const topicMissing = KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED;
    return partitions.map((partition) => ({ ...partition, topic: () => undefined, topicMissing }));
  }
  return partitions.map((partition) => ({
    ...partition,
    topic: find,
    topicMissing: byId ? KAFKA_ERRORS.UNKNOWN_TOPIC_ID : KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
  }));
}

function writePartition(writer: WireWriter, fetched: FetchedPartition, version: number): void {
  const { target, partition, errorCode, batches } = fetched;
  const failed = errorCode !== KAFKA_ERRORS.NONE || partition === undefined;
  const highWatermark = failed ? -1 : partition.highWatermark;
  writer.int32(target.index).int16(errorCode);
  writer.int64(highWatermark).int64(highWatermark);
  if (version >= 5) writer.int64(partition === undefined ? -1 : partition.logStartOffset);
  writer.nullableArray(null, () => {}); // Aborted transactions: none.
  if (version >= 11) writer.int32(-1); // Preferred read replica.
  writer.ranges(batches);
  writer.tags();
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}
