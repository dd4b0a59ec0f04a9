/**
 * OffsetFetch, versions 1 to 9. What was never committed is offset -1 without an error; no list of
 * topics (from version 2) asks for everything the group has.
 *
 * From version 8 (KIP-709) a request asks for several groups. `require_stable` (version 7, KIP-447)
 * waits for open transactions, of which there are none here. The member and epoch of version 9
 * (KIP-848) are for groups of the newer protocol, and are passed over as Kafka does for these.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import type { GroupOffsets } from "../groups/offsets.ts";

const BATCHED_VERSION = 8;
const NOT_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: "" };

interface AskedGroup {
  readonly groupId: string;
  /** Null asks for everything. */
  readonly topics:
    | readonly { readonly name: string; readonly partitions: readonly number[] }[]
    | null;
}

interface FetchedGroup {
  readonly groupId: string;
  readonly topics: readonly FetchedTopic[];
}

interface FetchedTopic {
  readonly name: string;
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
        : [{ groupId: reader.string(), topics: readTopics(reader) }];
    if (version >= 7) reader.boolean(); // require_stable: see above.
    reader.tags();
    return { groups };
  },

  handle({ groups }, { broker }) {
    const { offsets } = broker.groups;
    return {
      groups: groups.map(({ groupId, topics }) => ({
        groupId,
        topics:
          topics === null
            ? everything(offsets, groupId)
            : topics.map(({ name, partitions }) => ({
                name,
                partitions: partitions.map((partition) => ({
                  partition,
                  ...(offsets.fetch(groupId, { topic: name, partition }) ?? NOT_COMMITTED),
                })),
              })),
      })),
    };
  },

  encode(writer, { groups }, version, throttleMs) {
    if (version >= 3) writer.int32(throttleMs);
    if (version >= BATCHED_VERSION) {
      writer.array(groups, ({ groupId, topics }) => {
        writer.string(groupId);
        writeTopics(writer, topics, version);
        writer.int16(KAFKA_ERRORS.NONE).tags();
      });
    } else {
      writeTopics(writer, groups[0]?.topics ?? [], version);
      if (version >= 2) writer.int16(KAFKA_ERRORS.NONE);
    }
    writer.tags();
  },
};

function readBatchedGroup(reader: WireReader, version: number): AskedGroup {
  const groupId = reader.string();
  if (version >= 9) {
    reader.nullableString(); // Member: see above.
    reader.int32();
  }
  const topics = readTopics(reader);
  reader.tags();
  return { groupId, topics };
}

function readTopics(reader: WireReader): AskedGroup["topics"] {
  return reader.nullableArray((each) => {
    const name = each.string();
    const partitions = each.array((one) => one.int32());
    each.tags();
    return { name, partitions };
  });
}

function everything(offsets: GroupOffsets, groupId: string): FetchedTopic[] {
  const byTopic = new Map<string, FetchedTopic>();
  for (const stored of offsets.fetchAll(groupId)) {
    const topic = byTopic.get(stored.topic) ?? { name: stored.topic, partitions: [] };
    topic.partitions.push(stored);
    byTopic.set(stored.topic, topic);
  }
  return [...byTopic.values()];
}

function writeTopics(writer: WireWriter, topics: readonly FetchedTopic[], version: number): void {
  writer.array(topics, ({ name, partitions }) => {
    writer.string(name);
    writer.array(partitions, ({ partition, offset, leaderEpoch, metadata }) => {
      writer.int32(partition).int64(offset);
      if (version >= 5) writer.int32(leaderEpoch);
      writer.string(metadata).int16(KAFKA_ERRORS.NONE).tags();
    });
    writer.tags();
  });
}
