/**
 * OffsetCommit, versions 2 to 9. Answers when the offsets are on disk.
 *
 * The retention time that versions 2 to 4 carry is passed over, as Kafka does since KIP-211: how
 * long offsets are kept is the gateway's to say. From version 9 (KIP-848) the generation may be the
 * epoch of a consumer group's member.
 */
import type { KafkaApi } from "../api.ts";
import {
  type CommittedTopic,
  commitTopics,
  readTopicsToCommit,
  type TopicToCommit,
  writeCommittedTopics,
} from "../offsets-to-commit.ts";
import { type GroupMemberClaim, readMemberClaim } from "../read-member-claim.ts";

export interface OffsetCommitRequest extends GroupMemberClaim {
  readonly topics: readonly TopicToCommit[];
}

export interface OffsetCommitResponse {
  readonly topics: readonly CommittedTopic[];
}

export const offsetCommit: KafkaApi<OffsetCommitRequest, OffsetCommitResponse> = {
  key: 8,
  name: "OffsetCommit",
  versions: [2, 9],
  flexibleFrom: 8,

  decode(reader, version) {
    const claim = readMemberClaim(reader, version >= 7);
    if (version <= 4) reader.int64(); // Retention time: see above.
    const topics = readTopicsToCommit(reader, { leaderEpochs: version >= 6 });
    reader.tags();
    return { ...claim, topics };
  },

  async handle({ topics, ...claim }, { broker, rights, version }) {
    const { groupId } = claim;
    const mayCommit = rights.group("read", groupId);
    const refusalOf = (topic: string) => {
      if (!mayCommit) return "GROUP_AUTHORIZATION_FAILED";
      return rights.topic("read", topic) ? undefined : "TOPIC_AUTHORIZATION_FAILED";
    };
    return {
      topics: await commitTopics(topics, refusalOf, async (commits) =>
        mayCommit ? await broker.groups.commit(groupId, { ...claim, version }, commits) : [],
      ),
    };
  },

  encode(writer, { topics }, version, throttleMs) {
    if (version >= 3) writer.int32(throttleMs);
    writeCommittedTopics(writer, topics);
    writer.tags();
  },
};
