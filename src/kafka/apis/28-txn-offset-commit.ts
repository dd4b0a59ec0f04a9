/**
 * TxnOffsetCommit, versions 0 to 3: offsets of a group that count once the producer's transaction is
 * committed. From version 3 the consumer says which member of the group it is (KIP-447), so that one
 * that was left behind by a rebalance is refused.
 *
 * Every client takes INVALID_PRODUCER_EPOCH for being fenced, and tries again for
 * COORDINATOR_LOAD_IN_PROGRESS; of CONCURRENT_TRANSACTIONS not all know here.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import type { MemberClaim } from "../groups/group.ts";
import { readProducerIdentity } from "../read-producer-claim.ts";
import type { ProducerClaim } from "../transactions/directory.ts";

const NOBODY: MemberClaim = { generation: -1, memberId: "", instanceId: null };
const NO_LEADER_EPOCH = -1;

export interface TxnOffsetCommitRequest {
  readonly claim: ProducerClaim;
  readonly groupId: string;
  readonly member: MemberClaim;
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

export type TxnOffsetCommitResponse = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
}[];

export const txnOffsetCommit: KafkaApi<TxnOffsetCommitRequest, TxnOffsetCommitResponse> = {
  key: 28,
  name: "TxnOffsetCommit",
  versions: [0, 3],
  flexibleFrom: 3,

  decode(reader, version) {
    const transactionalId = reader.string();
    const groupId = reader.string();
    const producer = readProducerIdentity(reader);
    const member = version >= 3 ? readMember(reader) : NOBODY;
    const topics = reader.array((each) => readTopic(each, version));
    reader.tags();
    return { claim: { transactionalId, producer }, groupId, member, topics };
  },

  async handle({ claim, groupId, member, topics }, { broker, rights }) {
    const refusal = refusalOf(
      rights.transactionalId("write", claim.transactionalId),
      rights.group("read", groupId),
    );
    const mayRead = topics.map(({ name }) => refusal === undefined && rights.topic("read", name));
    const commits = topics.flatMap(({ name, partitions }, at) =>
      mayRead[at] === true ? partitions.map((partition) => ({ topic: name, ...partition })) : [],
    );
    const outcome =
      commits.length === 0
        ? []
        : await broker.transactions.commitOffsets(claim, groupId, member, commits);
    const errors = outcome.map(asClientsKnow).values();
    return topics.map(({ name, partitions }, at) => ({
      name,
      partitions: partitions.map(({ partition }) => ({
        partition,
        error:
          mayRead[at] === true
            ? (errors.next().value ?? "UNKNOWN_SERVER_ERROR")
            : (refusal ?? "TOPIC_AUTHORIZATION_FAILED"),
      })),
    }));
  },

  encode(writer, topics, _version, throttleMs) {
    writer.int32(throttleMs);
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

function readMember(reader: WireReader): MemberClaim {
  const generation = reader.int32();
  const memberId = reader.string();
  return { generation, memberId, instanceId: reader.nullableString() };
}

function readTopic(reader: WireReader, version: number) {
  const name = reader.string();
  const partitions = reader.array((each) => {
    const partition = each.int32();
    const offset = each.int64();
    const leaderEpoch = version >= 2 ? each.int32() : NO_LEADER_EPOCH;
    const metadata = each.nullableString();
    each.tags();
    return { partition, offset, leaderEpoch, metadata };
  });
  reader.tags();
  return { name, partitions };
}

function refusalOf(mayWrite: boolean, mayRead: boolean): KafkaErrorName | undefined {
  if (!mayWrite) return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
  return mayRead ? undefined : "GROUP_AUTHORIZATION_FAILED";
}

function asClientsKnow(error: KafkaErrorName): KafkaErrorName {
  if (error === "PRODUCER_FENCED") return "INVALID_PRODUCER_EPOCH";
  return error === "CONCURRENT_TRANSACTIONS" ? "COORDINATOR_LOAD_IN_PROGRESS" : error;
}
