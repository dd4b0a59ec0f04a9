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
import type { KafkaErrorName } from "../error-codes.ts";
import type { MemberClaim } from "../groups/group.ts";
import {
  type CommittedTopic,
  commitTopics,
  readTopicsToCommit,
  type TopicToCommit,
  writeCommittedTopics,
} from "../offsets-to-commit.ts";
import { readProducerIdentity } from "../read-producer-claim.ts";
import type { ProducerClaim } from "../transactions/directory.ts";

const NOBODY: MemberClaim = { generation: -1, memberId: "", instanceId: null };

export interface TxnOffsetCommitRequest {
  readonly claim: ProducerClaim;
  readonly groupId: string;
  readonly member: MemberClaim;
  readonly topics: readonly TopicToCommit[];
}

export type TxnOffsetCommitResponse = readonly CommittedTopic[];

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
    const topics = readTopicsToCommit(reader, { leaderEpochs: version >= 2 });
    reader.tags();
    return { claim: { transactionalId, producer }, groupId, member, topics };
  },

  async handle({ claim, groupId, member, topics }, { broker, rights }) {
    const refusal = refusalOf(
      rights.transactionalId("write", claim.transactionalId),
      rights.group("read", groupId),
    );
    const refusalOfTopic = (topic: string) =>
      refusal ?? (rights.topic("read", topic) ? undefined : "TOPIC_AUTHORIZATION_FAILED");
    return await commitTopics(topics, refusalOfTopic, async (commits) => {
      if (commits.length === 0) return [];
      const errors = await broker.transactions.commitOffsets(claim, groupId, member, commits);
      return errors.map(asClientsKnow);
    });
  },

  encode(writer, topics, _version, throttleMs) {
    writer.int32(throttleMs);
    writeCommittedTopics(writer, topics);
    writer.tags();
  },
};

function readMember(reader: WireReader): MemberClaim {
  const generation = reader.int32();
  const memberId = reader.string();
  return { generation, memberId, instanceId: reader.nullableString() };
}

function refusalOf(mayWrite: boolean, mayRead: boolean): KafkaErrorName | undefined {
  if (!mayWrite) return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
  return mayRead ? undefined : "GROUP_AUTHORIZATION_FAILED";
}

function asClientsKnow(error: KafkaErrorName): KafkaErrorName {
  if (error === "PRODUCER_FENCED") return "INVALID_PRODUCER_EPOCH";
  return error === "CONCURRENT_TRANSACTIONS" ? "COORDINATOR_LOAD_IN_PROGRESS" : error;
}
