/**
 * What OffsetCommit and TxnOffsetCommit have in common: the offsets that a request names by topic,
 * which of them its client may commit, and an answer for each in the order of the request.
 */
import type { WireReader } from "../wire/reader.ts";
import type { WireWriter } from "../wire/writer.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "./error-codes.ts";
import type { OffsetCommit } from "./groups/offsets.ts";

const NO_LEADER_EPOCH = -1;

export interface TopicToCommit {
  readonly name: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly leaderEpoch: number;
    readonly metadata: string | null;
  }[];
}

export interface CommittedTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
}

export function readTopicsToCommit(
  reader: WireReader,
  options: { readonly leaderEpochs: boolean },
): TopicToCommit[] {
  return reader.array(() => {
    const name = reader.string();
    const partitions = reader.array(() => {
      const partition = reader.int32();
      const offset = reader.int64();
      const leaderEpoch = options.leaderEpochs ? reader.int32() : NO_LEADER_EPOCH;
      const metadata = reader.nullableString();
      reader.tags();
      return { partition, offset, leaderEpoch, metadata };
    });
    reader.tags();
    return { name, partitions };
  });
}

/**
 * Commits those of the topics that `refusalOf` names no error for; `commit` answers an error (or
 * NONE) for each.
 */
export async function commitTopics(
  topics: readonly TopicToCommit[],
  refusalOf: (topic: string) => KafkaErrorName | undefined,
  commit: (commits: readonly OffsetCommit[]) => Promise<readonly KafkaErrorName[]>,
): Promise<CommittedTopic[]> {
  const asked = topics.map((topic) => ({ ...topic, refusal: refusalOf(topic.name) }));
  const commits = asked.flatMap(({ name, partitions, refusal }) =>
    refusal === undefined ? partitions.map((partition) => ({ topic: name, ...partition })) : [],
  );
  const errors = (await commit(commits)).values();
  return asked.map(({ name, partitions, refusal }) => ({
    name,
    partitions: partitions.map(({ partition }) => ({
      partition,
      error: refusal ?? errors.next().value ?? "UNKNOWN_SERVER_ERROR",
    })),
  }));
}

export function writeCommittedTopics(writer: WireWriter, topics: readonly CommittedTopic[]): void {
  writer.array(topics, ({ name, partitions }) => {
    writer.string(name);
    writer.array(partitions, ({ partition, error }) => {
      writer.int32(partition).int16(KAFKA_ERRORS[error]).tags();
    });
    writer.tags();
  });
}
