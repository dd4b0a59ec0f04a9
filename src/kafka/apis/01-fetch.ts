/**
 * Fetch, versions 4 to 16. From 12 flexible, from 13 by topic id (KIP-516): a topic made again under
 * the same name is another one. From 7 with sessions (KIP-227): a request in one names only what the
 * client wants otherwise than before, and the answer only what is new.
 *
 * Batches go out as they are stored; one that began before the wanted offset comes whole. A reader of
 * committed records gets those below the last stable offset, and the transactions among them that
 * were aborted, which it leaves out itself (KIP-98). Who is over its quota is answered nothing, before
 * anything is read (KIP-219), and so is a large fetch that finds no room beside others. Clients take an
 * answer of nothing to a full request only where it tells them to wait.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import { type KafkaApi, PARTITION_REQUEST_BYTES_MAX, type RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";
import type { FetchRoom } from "../fetch/fetch-buffers.ts";
import { fetchPartitions } from "../fetch/fetch-poll.ts";
import type { WantedPartition } from "../fetch/fetch-session.ts";
import { NO_SESSION } from "../fetch/fetch-sessions.ts";
import type { FetchedPartition, FetchTarget, Isolation } from "../fetch/fetched-partition.ts";
import { readIsolation } from "../fetch/read-isolation.ts";
import { readTopicPartitions } from "../read-topic-partitions.ts";

const SESSIONS_VERSION = 7;
const TOPIC_IDS_VERSION = 13;
const FINAL_EPOCH = -1;
/** For how long a fetch that found no room is not to ask again. */
export const NO_ROOM_PAUSE_MS = 100;

export interface FetchRequest {
  readonly waitMsMax: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly isolation: Isolation;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly wanted: readonly WantedPartition[];
  readonly forgotten: readonly Pick<WantedPartition, "topic" | "index">[];
}

export interface FetchResponse {
  readonly errorCode: KafkaErrorCode;
  readonly sessionId: number;
  readonly partitions: readonly FetchedPartition[];
  /** Where their batches stand, until the answer has been taken. */
  readonly room?: FetchRoom;
  /** The client is to ask again, but not at once. */
  readonly pauseMs?: number;
}

export const fetch: KafkaApi<FetchRequest, FetchResponse> = {
  key: 1,
  name: "Fetch",
  versions: [4, 16],
  flexibleFrom: 12,
  requestBytesMax: PARTITION_REQUEST_BYTES_MAX,
  waits: true,
  quota: "consumer_byte_rate",

  decode(reader, version) {
    if (version < 15) reader.int32(); // Replica id: nobody replicates from this broker.
    const waitMsMax = reader.int32();
    const bytesMin = reader.int32();
    const bytesMax = reader.int32();
    const isolation = readIsolation(reader);
    const inSession = version >= SESSIONS_VERSION;
    const sessionId = inSession ? reader.int32() : NO_SESSION;
    const sessionEpoch = inSession ? reader.int32() : FINAL_EPOCH;
    const wanted = readWanted(reader, version);
    const forgotten = inSession ? readForgotten(reader, version) : [];
    if (version >= 11) reader.string(); // Rack: there is one replica.
    reader.tags();
    const rules = { waitMsMax, bytesMin, bytesMax, isolation };
    return { ...rules, sessionId, sessionEpoch, wanted, forgotten };
  },

  async handle(request, context) {
    const { limits, quotas, fetchSessions, fetchesUnderWay } = context.broker;
    const byTopicId = context.version >= TOPIC_IDS_VERSION;
    const scope = fetchSessions.begin({ ...request, byTopicId });
    if (typeof scope === "number") {
      return { errorCode: scope, sessionId: NO_SESSION, partitions: [] };
    }
    const quotaBytes = quotas.fetchBytesMax(context.quotaClient);
    const count = scope.wanted.length;
    if (quotaBytes === 0 || !fetchesUnderWay.begin(count)) {
      const { errorCode, sessionId } = scope.nothing();
      const pauseMs = quotaBytes === 0 ? 0 : NO_ROOM_PAUSE_MS;
      return { errorCode, sessionId, partitions: [], pauseMs };
    }
    const rules = {
      bytesMin: request.bytesMin,
      bytesMax: clamp(request.bytesMax, Math.min(limits.fetchBytesMax, quotaBytes)),
      waitMsMax: clamp(request.waitMsMax, limits.fetchWaitMsMax),
      isolation: request.isolation,
    };
    try {
      const targets = targetsOf(scope.wanted, context);
      const fetched = await fetchPartitions(context.broker, targets, rules, context.hurry);
      const { errorCode, sessionId, told } = scope.conclude(fetched.partitions);
      return { errorCode, sessionId, partitions: told, room: fetched.room };
    } finally {
      fetchesUnderWay.end(count);
    }
  },

  pauseMs: ({ pauseMs = 0 }) => pauseMs,

  encode(writer, { errorCode, sessionId, partitions }, version, throttleMs) {
    writer.int32(throttleMs);
    if (version >= SESSIONS_VERSION) writer.int16(errorCode).int32(sessionId);
    const topics = Map.groupBy(partitions, ({ wanted }) => wanted.topic);
    writer.array([...topics], ([topic, fetched]) => {
      if (version >= TOPIC_IDS_VERSION) writer.uuid(topic);
      else writer.string(topic);
      writer.array(fetched, (each) => writePartition(writer, each, version));
      writer.tags();
    });
    writer.tags();
  },

  done({ room }) {
    return (taken) => room?.close(taken);
  },
};

function readWanted(reader: WireReader, version: number): WantedPartition[] {
  const readName = () => (version >= TOPIC_IDS_VERSION ? reader.uuid() : reader.string());
  const topics = readTopicPartitions(reader, readName, (topic) => {
    const index = reader.int32();
    const knownLeaderEpoch = version >= 9 ? reader.int32() : -1;
    const from = reader.int64();
    if (version >= 12) reader.int32(); // Last fetched epoch: for replicas.
    if (version >= 5) reader.int64(); // The follower's log start.
    const bytesMax = reader.int32();
    reader.tags();
    return { topic, index, knownLeaderEpoch, from, bytesMax };
  });
  return topics.flatMap(({ partitions }) => partitions);
}

function readForgotten(reader: WireReader, version: number): FetchRequest["forgotten"] {
  const readName = () => (version >= TOPIC_IDS_VERSION ? reader.uuid() : reader.string());
  const read = (topic: string) => ({ topic, index: reader.int32() });
  return readTopicPartitions(reader, readName, read).flatMap(({ partitions }) => partitions);
}

function targetsOf(wanted: readonly WantedPartition[], context: RequestContext): FetchTarget[] {
  const lookUps = new Map<string, Pick<FetchTarget, "topic" | "topicMissing">>();
  return wanted.map((partition) => {
    const { topic } = partition;
    const lookUp = lookUps.get(topic) ?? lookUpOf(topic, context);
    lookUps.set(topic, lookUp);
    return { wanted: partition, ...lookUp };
  });
}

function lookUpOf(
  topic: string,
  { broker: { log }, version, rights }: RequestContext,
): Pick<FetchTarget, "topic" | "topicMissing"> {
  const byId = version >= TOPIC_IDS_VERSION;
  const find = () => (byId ? log.topicById(topic) : log.topic(topic));
  // Who may not read a topic does not learn by its name whether there is one.
  const name = byId ? find()?.name : topic;
  if (name !== undefined && !rights.topic("read", name)) {
    return { topic: () => undefined, topicMissing: KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED };
  }
  const topicMissing = byId
    ? KAFKA_ERRORS.UNKNOWN_TOPIC_ID
    : KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION;
  return { topic: find, topicMissing };
}

function writePartition(writer: WireWriter, fetched: FetchedPartition, version: number): void {
  writer.int32(fetched.wanted.index).int16(fetched.errorCode);
  writer.int64(fetched.highWatermark).int64(fetched.lastStableOffset);
  if (version >= 5) writer.int64(fetched.logStartOffset);
  writer.nullableArray(fetched.aborted, ({ producerId, firstOffset }) => {
    writer.int64(producerId).int64(firstOffset).tags();
  });
  if (version >= 11) writer.int32(-1); // Preferred read replica.
  writer.ranges(fetched.ranges);
  writer.tags();
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}
