/**
 * The committed offsets of all groups. Owns no memory of its own: they stand in the log's small
 * state, in the transaction of the data they were committed beside. A commit resolves when it is on
 * disk, and is read only from then on.
 *
 * An offset belongs to the topic it was committed for: a topic that is deleted and made again under
 * the same name begins without any, even where a crash kept the old ones from being removed.
 */
import type { Clock } from "../../base/clock.ts";
import { isTributaryError } from "../../base/errors.ts";
import type { AppendGroup, Log } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import type { GroupLimits } from "./limits.ts";
import {
  decodeOffsetRecord,
  encodeOffsetRecord,
  OFFSET_KEY_PREFIX,
  type OffsetPlace,
  type OffsetRecord,
  offsetKey,
  parseOffsetKey,
} from "./offset-record.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface OffsetCommit extends TopicPartition {
  /** Taken as it is, as in Kafka: kafkajs resets a group by committing -2 (earliest). */
  readonly offset: number;
  /** -1 where the client gives none. */
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

export type StoredOffset = OffsetPlace & OffsetRecord;

/** A commit that may be made: where it goes, and what goes there. */
export interface CheckedOffset {
  readonly place: OffsetPlace;
  readonly record: OffsetRecord;
}

export class GroupOffsets {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limits: GroupLimits;

  constructor(log: Log, clock: Clock, limits: GroupLimits) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Commits what can be committed, in one transaction; answers an error (or NONE) for each. */
  async commit(group: string, commits: readonly OffsetCommit[]): Promise<KafkaErrorName[]> {
    const append = this.#log.group();
    const results = this.check(group, commits).map((checked) =>
      typeof checked === "string" ? checked : putChecked(() => this.putIn(append, checked)),
    );
    if (!results.includes("NONE")) return results;
    return await written(append.flushed, results);
  }

  /**
   * What `commits` would be stored as, and where, or why they are refused. `pendingCount`: offsets
   * that are about to be committed elsewhere, and count like those that are.
   */
  check(
    group: string,
    commits: readonly OffsetCommit[],
    pendingCount = 0,
  ): (CheckedOffset | KafkaErrorName)[] {
    const isFull = this.#isFull(group, commits, pendingCount);
    return commits.map((commit) => this.#check(group, commit, isFull));
  }

  /** @throws STATE_TOO_LARGE */
  putIn(append: AppendGroup, { place, record }: CheckedOffset): void {
    const { group, topic, partition } = place;
    append.putState(offsetKey(group, topic, partition), encodeOffsetRecord(record));
  }

  /** What `group` has committed there; undefined where it has nothing that still counts. */
  fetch(group: string, { topic, partition }: TopicPartition): OffsetRecord | undefined {
    const value = this.#log.state.get(offsetKey(group, topic, partition));
    if (value === undefined) return undefined;
    const record = decodeOffsetRecord(value);
    return this.#log.topic(topic)?.id === record.topicId ? record : undefined;
  }

  /** Everything that `group` has committed, for topics that still exist. */
  fetchAll(group: string): StoredOffset[] {
    return this.#stored(`${OFFSET_KEY_PREFIX}${group}/`).filter(
      (stored) => stored.group === group && this.#log.topic(stored.topic)?.id === stored.topicId,
    );
  }

  /** Every offset there is, of all groups, also of topics that are no more. */
  all(): StoredOffset[] {
    return this.#stored(OFFSET_KEY_PREFIX);
  }

  /** Resolves when `places` are gone from the disk. */
  async remove(places: readonly OffsetPlace[]): Promise<void> {
    if (places.length === 0) return;
    const append = this.#log.group();
    for (const { group, topic, partition } of places) {
      append.putState(offsetKey(group, topic, partition), undefined);
    }
    await append.flushed;
  }

  #check(group: string, commit: OffsetCommit, isFull: boolean): CheckedOffset | KafkaErrorName {
    const topic = this.#log.topic(commit.topic);
    if (topic?.partitions[commit.partition] === undefined) return "UNKNOWN_TOPIC_OR_PARTITION";
    const metadata = commit.metadata ?? "";
    if (Buffer.byteLength(metadata) > this.#limits.offsetMetadataBytesMax) {
      return "OFFSET_METADATA_TOO_LARGE";
    }
    if (isFull && !this.#has(group, commit)) return "POLICY_VIOLATION";
    const { offset, leaderEpoch, partition } = commit;
    const committedAtMs = this.#clock.nowMs();
    return {
      place: { group, topic: topic.name, partition },
      record: { topicId: topic.id, offset, leaderEpoch, committedAtMs, metadata },
    };
  }

  /** Counted only when a commit brings a partition that the group has never committed. */
  #isFull(group: string, commits: readonly OffsetCommit[], pendingCount: number): boolean {
    const brings = commits.filter((commit) => !this.#has(group, commit)).length;
    if (brings === 0) return false;
    let count = pendingCount;
    for (const _ of this.#log.state.entries(OFFSET_KEY_PREFIX)) count += 1;
    return count + brings > this.#limits.offsetsMax;
  }

  #has(group: string, { topic, partition }: TopicPartition): boolean {
    return this.#log.state.get(offsetKey(group, topic, partition)) !== undefined;
  }

  #stored(prefix: string): StoredOffset[] {
    return [...this.#log.state.entries(prefix)].map(([key, value]) => ({
      ...parseOffsetKey(key),
      ...decodeOffsetRecord(value),
    }));
  }
}

/** What came of putting an offset that has been checked. */
export function putChecked(put: () => void): KafkaErrorName {
  try {
    put();
    return "NONE";
  } catch (error) {
    if (!isTributaryError(error)) throw error;
    return error.code === "STATE_TOO_LARGE"
      ? "INVALID_COMMIT_OFFSET_SIZE"
      : "COORDINATOR_NOT_AVAILABLE";
  }
}

/** What came of commits of which some have been put. */
export async function written(
  flushed: Promise<void>,
  results: readonly KafkaErrorName[],
): Promise<KafkaErrorName[]> {
  try {
    await flushed;
    return [...results];
  } catch (error) {
    if (!isTributaryError(error)) throw error;
    return results.map((result) => (result === "NONE" ? "COORDINATOR_NOT_AVAILABLE" : result));
  }
}
