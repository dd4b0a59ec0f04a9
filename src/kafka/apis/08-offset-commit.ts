/**
 * OffsetCommit, versions 2 to 9. Answers when the offsets are on disk.
 *
 * The retention time that versions 2 to 4 carry is passed over, as Kafka does since KIP-211: how
 * long offsets are kept is the gateway's to say. From version 9 (KIP-848) the generation may be the
 * epoch of a consumer group's member.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { type GroupMemberClaim, readMemberClaim } from "../read-member-claim.ts";

const NO_LEADER_EPOCH = -1;

export interface OffsetCommitRequest extends GroupMemberClaim {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: number;
      readonly leaderEpoch: number;
      readonly metadata: string | null;
    }[];
  }[];
}

export interface OffsetCommitResponse {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
  }[];
}

export const offsetCommit: KafkaApi<OffsetCommitRequest, OffsetCommitResponse> = {
  key: 8,
  name: "OffsetCommit",
  versions: [2, 9],
  flexibleFrom: 8,

  decode(reader, version) {
    const claim = readMemberClaim(reader, version >= 7);
    if (version <= 4) reader.int64(); // Retention time: see above.
    const topics = reader.array((each) => readTopic(each, version));
    reader.tags();
    return { ...claim, topics };
  },

  async handle(request, { broker, rights, version }) {
    const { topics, ...claim } = request;
    const { groupId } = claim;
    const mayCommit = rights.group("read", groupId);
    const mayRead = topics.map(({ name }) => mayCommit && rights.topic("read", name));
    const commits = topics.flatMap(({ name, partitions }, at) =>
      mayRead[at] === true ? partitions.map((partition) => ({ topic: name, ...partition })) : [],
    );
    const outcome = mayCommit
      ? await broker.groups.commit(groupId, { ...claim, version }, commits)
      : [];
    const errors = outcome.values();
    const unauthorized = mayCommit ? "TOPIC_AUTHORIZATION_FAILED" : "GROUP_AUTHORIZATION_FAILED";
    return {
      topics: topics.map(({ name, partitions }, at) => ({
        name,
        partitions: partitions.map(({ partition }) => ({
          partition,
          error:
            mayRead[at] === true ? (errors.next().value ?? "UNKNOWN_SERVER_ERROR") : unauthorized,
        })),
      })),
    };
  },

  encode(writer, { topics }, version, throttleMs) {
    if (version >= 3) writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ partition, error }) => {
        writer.int32(partition).int16(KAFKA_ERRORS[error]).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function readTopic(reader: WireReader, version: number) {
  const name = reader.string();
  const partitions = reader.array((each) => {
    const partition = each.int32();
    const offset = each.int64();
    const leaderEpoch = version >= 6 ? each.int32() : NO_LEADER_EPOCH;
    const metadata = each.nullableString();
    each.tags();
    return { partition, offset, leaderEpoch, metadata };
  });
  reader.tags();
  return { name, partitions };
}
