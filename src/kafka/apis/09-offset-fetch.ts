/**
 * OffsetFetch, versions 1 to 9. What was never committed is offset -1 without an error; no list of
 * topics (from version 2) asks for everything the group has.
 *
 * From version 8 (KIP-709) a request asks for several groups. `require_stable` (version 7, KIP-447):
 * where an open transaction may be about to change an offset, UNSTABLE_OFFSET_COMMIT, and the client
 * asks again. A member of a consumer group (KIP-848) says from version 9 who it is and in which
 * epoch, and is refused where that is past.
 *
 * However often a group or a partition is asked for, it is answered once: so no answer is larger than
 * what is stored and what was asked together.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import type { GroupCoordinator } from "../groups/coordinator.ts";
import type { OffsetPlace } from "../groups/offset-record.ts";
import type { StoredOffset } from "../groups/offsets.ts";
import type { Rights } from "../rights.ts";

const BATCHED_VERSION = 8;
const ANYBODY = { memberId: null, memberEpoch: -1 };
const NOT_COMMITTED = { error: "NONE", offset: -1, leaderEpoch: -1, metadata: "" } as const;

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
  readonly partitions: FetchedPartition[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly error: KafkaErrorName;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetFetchRequest {
  readonly groups: readonly AskedGroup[];
  readonly requireStable: boolean;
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
    const requireStable = version >= 7 && reader.boolean();
    reader.tags();
    return { groups, requireStable };
  },

  handle({ groups, requireStable }, { broker, rights }) {
    const asked = firstOfEach(groups, ({ groupId }) => groupId).map((group) => ({
      group,
      error: refusalOf(group, broker.groups, rights),
    }));
    const whole = asked.filter(({ group, error }) => error === "NONE" && group.topics === null);
    const stored = broker.groups.offsets.fetchAllOf(
      new Set(whole.map(({ group }) => group.groupId)),
    );
    const from = { groups: broker.groups, rights, requireStable, stored };
    return {
      groups: asked.map(({ group, error }) =>
        error === "NONE" ? fetchGroup(group, from) : refusedGroup(group, error),
      ),
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

function firstOfEach<Item>(items: readonly Item[], nameOf: (item: Item) => string): Item[] {
  const named = new Map<string, Item>();
  for (const item of items) if (!named.has(nameOf(item))) named.set(nameOf(item), item);
  return [...named.values()];
}

function refusalOf(
  { groupId, memberId, memberEpoch }: AskedGroup,
  groups: GroupCoordinator,
  rights: Rights,
): KafkaErrorName {
  if (!rights.group("describe", groupId)) return "GROUP_AUTHORIZATION_FAILED";
  return groups.mayFetch(groupId, memberId, memberEpoch);
}

interface FetchedFrom {
  readonly groups: GroupCoordinator;
  readonly rights: Rights;
  readonly requireStable: boolean;
  /** All that those groups have committed of which everything is asked for. */
  readonly stored: ReadonlyMap<string, readonly StoredOffset[]>;
}

/** Where everything is asked for, what the client may not know of is left out. */
function fetchGroup({ groupId, topics }: AskedGroup, from: FetchedFrom): FetchedGroup {
  const { rights } = from;
  if (topics === null) {
    const known = everything(groupId, from).filter(({ name }) => rights.topic("describe", name));
    return { groupId, error: "NONE", topics: known };
  }
  const fetched = partitionsByTopic(topics).map(([name, partitions]): FetchedTopic => {
    const fetch = rights.topic("describe", name)
      ? (partition: number) => fetchOne({ group: groupId, topic: name, partition }, from)
      : (partition: number) => refused(partition, "TOPIC_AUTHORIZATION_FAILED");
    return { name, partitions: [...partitions].map(fetch) };
  });
  return { groupId, error: "NONE", topics: fetched };
}

function partitionsByTopic(
  topics: NonNullable<AskedGroup["topics"]>,
): [name: string, partitions: Set<number>][] {
  const byName = new Map<string, Set<number>>();
  for (const { name, partitions } of topics) {
    const known = byName.get(name) ?? new Set();
    byName.set(name, known);
    for (const partition of partitions) known.add(partition);
  }
  return [...byName];
}

function fetchOne(place: OffsetPlace, { groups, requireStable }: FetchedFrom): FetchedPartition {
  const { group, partition } = place;
  if (requireStable && groups.transactionalOffsets.pending.isPending(place)) {
    return refused(partition, "UNSTABLE_OFFSET_COMMIT");
  }
  return { partition, ...NOT_COMMITTED, ...groups.offsets.fetch(group, place) };
}

function refused(partition: number, error: KafkaErrorName): FetchedPartition {
  return { partition, ...NOT_COMMITTED, error };
}

/** Version 1 has no other place for a group's error than its partitions. */
function refusedGroup({ groupId, topics }: AskedGroup, error: KafkaErrorName): FetchedGroup {
  const all = (topics ?? []).map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => refused(partition, error)),
  }));
  return { groupId, error, topics: all };
}

function everything(groupId: string, from: FetchedFrom): FetchedTopic[] {
  const byTopic = Map.groupBy(from.stored.get(groupId) ?? [], ({ topic }) => topic);
  return [...byTopic].map(([name, stored]) => ({
    name,
    partitions: stored.map((place) => fetchOne(place, from)),
  }));
}

function writeTopics(writer: WireWriter, topics: readonly FetchedTopic[], version: number): void {
  writer.array(topics, ({ name, partitions }) => {
    writer.string(name);
    writer.array(partitions, ({ partition, error, offset, leaderEpoch, metadata }) => {
      writer.int32(partition).int64(offset);
      if (version >= 5) writer.int32(leaderEpoch);
      writer.string(metadata).int16(KAFKA_ERRORS[error]).tags();
    });
    writer.tags();
  });
}
