/**
 * OffsetFetch, versions 1 to 9. What was never committed is offset -1 without an error; no list of
 * topics (from version 2) asks for everything the group has.
 *
 * From version 8 (KIP-709) a request asks for several groups. `require_stable` (version 7, KIP-447)
 * waits for open transactions, of which there are none here. A member of a consumer group (KIP-848)
 * says from version 9 who it is and in which epoch, and is refused where that is past.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import type { GroupOffsets } from "../groups/offsets.ts";
import type { Rights } from "../rights.ts";

const BATCHED_VERSION = 8;
const ANYBODY = { memberId: null, memberEpoch: -1 };
const NOT_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: "" };

interface AskedGroup {
  readonly groupId: string;
  /** Null, and -1, where the client does not say. */
  readonly memberId: string | null;
  readonly memberEpoch: number;
  /** Null asks for everything. */
  readonly topics:
    | readonly { readonly name: string; readonly partitions: readonly number[] }[]
    | null;
}

interface FetchedGroup {
  readonly groupId: string;
  readonly error: KafkaErrorName;
  readonly topics: readonly FetchedTopic[];
}

interface FetchedTopic {
  readonly name: string;
  readonly error: KafkaErrorName;
  readonly partitions: FetchedPartition[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetFetchRequest {
  readonly groups: readonly AskedGroup[];
}

export interface OffsetFetchResponse {
  readonly groups: readonly FetchedGroup[];
}

export const offsetFetch: KafkaApi<OffsetFetchRequest, OffsetFetchResponse> = {
  key: 9,
  name: "OffsetFetch",
  versions: [1, 9],
  flexibleFrom: 6,

  decode(reader, version) {
    const groups =
      version >= BATCHED_VERSION
        ? reader.array((each) => readBatchedGroup(each, version))
        : [{ groupId: reader.string(), ...ANYBODY, topics: readTopics(reader) }];
    if (version >= 7) reader.boolean(); // require_stable: see above.
    reader.tags();
    return { groups };
  },

  handle({ groups }, { broker, rights }) {
    return {
      groups: groups.map((group) => {
        const { groupId, memberId, memberEpoch } = group;
        if (!rights.group("describe", groupId)) return refused(group, "GROUP_AUTHORIZATION_FAILED");
        const error = broker.groups.mayFetch(groupId, memberId, memberEpoch);
        if (error !== "NONE") return refused(group, error);
        return fetchGroup(broker.groups.offsets, rights, group);
      }),
    };
  },

  encode(writer, { groups }, version, throttleMs) {
    if (version >= 3) writer.int32(throttleMs);
    if (version >= BATCHED_VERSION) {
      writer.array(groups, ({ groupId, error, topics }) => {
        writer.string(groupId);
        writeTopics(writer, topics, version);
        writer.int16(KAFKA_ERRORS[error]).tags();
      });
    } else {
      writeTopics(writer, groups[0]?.topics ?? [], version);
      if (version >= 2) writer.int16(KAFKA_ERRORS[groups[0]?.error ?? "NONE"]);
    }
    writer.tags();
  },
};

function readBatchedGroup(reader: WireReader, version: number): AskedGroup {
  const groupId = reader.string();
  const member =
    version >= 9 ? { memberId: reader.nullableString(), memberEpoch: reader.int32() } : ANYBODY;
  const topics = readTopics(reader);
  reader.tags();
  return { groupId, ...member, topics };
}

function readTopics(reader: WireReader): AskedGroup["topics"] {
  return reader.nullableArray((each) => {
    const name = each.string();
    const partitions = each.array((one) => one.int32());
    each.tags();
    return { name, partitions };
  });
}

/** Where everything is asked for, what the client may not know of is left out. */
function fetchGroup(
  offsets: GroupOffsets,
  rights: Rights,
  { groupId, topics }: AskedGroup,
): FetchedGroup {
  if (topics === null) {
    const known = everything(offsets, groupId).filter(({ name }) => rights.topic("describe", name));
    return { groupId, error: "NONE", topics: known };
  }
  const fetched = topics.map(({ name, partitions }): FetchedTopic => {
    const mayLook = rights.topic("describe", name);
    const of = (partition: number) =>
      (mayLook && offsets.fetch(groupId, { topic: name, partition })) || NOT_COMMITTED;
    return {
      name,
      error: mayLook ? "NONE" : "TOPIC_AUTHORIZATION_FAILED",
      partitions: partitions.map((partition) => ({ partition, ...of(partition) })),
    };
  });
  return { groupId, error: "NONE", topics: fetched };
}

/** Version 1 has no other place for a group's error than its partitions. */
function refused({ groupId, topics }: AskedGroup, error: KafkaErrorName): FetchedGroup {
  const unanswered = (topics ?? []).map(({ name, partitions }) => ({
    name,
    error,
    partitions: partitions.map((partition) => ({ partition, ...NOT_COMMITTED })),
  })) satisfies FetchedTopic[];
  return { groupId, error, topics: unanswered };
}

function everything(offsets: GroupOffsets, groupId: string): FetchedTopic[] {
  const byTopic = new Map<string, FetchedTopic>();
  for (const stored of offsets.fetchAll(groupId)) {
    const topic = byTopic.get(stored.topic) ?? noneOf(stored.topic);
    topic.partitions.push(stored);
    byTopic.set(stored.topic, topic);
  }
  return [...byTopic.values()];
}

function noneOf(name: string): FetchedTopic {
  return { name, error: "NONE", partitions: [] };
}

function writeTopics(writer: WireWriter, topics: readonly FetchedTopic[], version: number): void {
  writer.array(topics, ({ name, error, partitions }) => {
    writer.string(name);
    writer.array(partitions, ({ partition, offset, leaderEpoch, metadata }) => {
      writer.int32(partition).int64(offset);
      if (version >= 5) writer.int32(leaderEpoch);
      writer.string(metadata).int16(KAFKA_ERRORS[error]).tags();
    });
    writer.tags();
  });
}
