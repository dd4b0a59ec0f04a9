/**
 * The committed offsets of all groups. Owns no memory of its own: they stand in the log's small
 * state, in the transaction of the data they were committed beside. A commit resolves when it is on
 * disk, and is read only from then on.
 *
 * An offset belongs to the topic it was committed for: a topic that is deleted and made again under
 * the same name begins without any, even where a crash kept the old ones from being removed.
 *
 * Invariant: what clears up by itself never takes a commit that is on its way to the disk.
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
import type { PendingOffsets } from "./pending-offsets.ts";

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
  readonly #pending: PendingOffsets;
  /** How many commits are on their way to the disk, by the offset's key. */
  readonly #onTheirWay = new Map<string, number>();

  constructor(log: Log, clock: Clock, limits: GroupLimits, pending: PendingOffsets) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    this.#pending = pending;
  }

  /** Commits what can be committed, in one transaction; answers an error (or NONE) for each. */
  async commit(group: string, commits: readonly OffsetCommit[]): Promise<KafkaErrorName[]> {
    const append = this.#log.group();
    const keys: string[] = [];
    const results = this.check(group, commits).map((checked) => {
      if (typeof checked === "string") return checked;
      const result = putChecked(() => this.putIn(append, checked));
      if (result === "NONE") keys.push(keyOf(checked.place));
      return result;
    });
    if (keys.length === 0) return results;
    this.#count(keys, 1);
    try {
      return await written(append.flushed, results);
    } finally {
      this.#count(keys, -1);
    }
  }

  /**
   * What `commits` would be stored as, and where, or why they are refused. `isKnown`: whether
   * something is stored there, so that one more takes its place and is no further record.
   */
  check(
    group: string,
    commits: readonly OffsetCommit[],
    isKnown: (place: OffsetPlace) => boolean = (place) => this.#has(place),
  ): (CheckedOffset | KafkaErrorName)[] {
    const known = commits.map(({ topic, partition }) => isKnown({ group, topic, partition }));
    const isFull = this.#isFull(known.filter((one) => !one).length);
    return commits.map((commit, at) => this.#check(group, commit, isFull && known[at] !== true));
  }

  /** @throws STATE_TOO_LARGE */
  putIn(append: AppendGroup, { place, record }: CheckedOffset): void {
    const { group, topic, partition } = place;
    append.putState(offsetKey(group, topic, partition), encodeOffsetRecord(record));
  }

  /**
   * Removes those that nobody needs any more; resolves when they are gone from the disk. What stands
   * there may be old while a newer commit is on its way, be it with a transaction: such a place is left
   * for the next time.
   */
  async removeUnused(isUnused: (stored: StoredOffset) => boolean): Promise<void> {
    const unused = this.all().filter(isUnused);
    await this.remove(unused.filter((place) => !this.#isBeingCommitted(place)));
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
    return this.fetchAllOf(new Set([group])).get(group) ?? [];
  }

  /** The same for several groups, in one look at what there is; by group. */
  fetchAllOf(groups: ReadonlySet<string>): Map<string, StoredOffset[]> {
    const found = new Map<string, StoredOffset[]>();
    if (groups.size === 0) return found;
    for (const [key, value] of this.#log.state.entries(OFFSET_KEY_PREFIX)) {
      const place = parseOffsetKey(key);
      if (!groups.has(place.group)) continue;
      const record = decodeOffsetRecord(value);
      if (this.#log.topic(place.topic)?.id !== record.topicId) continue;
      const known = found.get(place.group);
      if (known === undefined) found.set(place.group, [{ ...place, ...record }]);
      else known.push({ ...place, ...record });
    }
    return found;
  }

  /** The groups that have committed anything, also for topics that are no more. */
  groups(): Set<string> {
    const found = new Set<string>();
    for (const [key] of this.#log.state.entries(OFFSET_KEY_PREFIX)) {
      found.add(parseOffsetKey(key).group);
    }
    return found;
  }

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const _ of this.#log.state.entries(OFFSET_KEY_PREFIX)) count += 1;
    return count;
  }

  /** Every offset there is, of all groups, also of topics that are no more. */
  all(): StoredOffset[] {
    return [...this.#log.state.entries(OFFSET_KEY_PREFIX)].map(([key, value]) => ({
      ...parseOffsetKey(key),
      ...decodeOffsetRecord(value),
    }));
  }

  /** Resolves when `places` are gone from the disk. */
  async remove(places: readonly OffsetPlace[]): Promise<void> {
    const there = places.filter((place) => this.#has(place));
    if (there.length === 0) return;
    const append = this.#log.group();
    for (const { group, topic, partition } of there) {
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
    if (isFull) return "POLICY_VIOLATION";
    const { offset, leaderEpoch, partition } = commit;
    const committedAtMs = this.#clock.nowMs();
    return {
      place: { group, topic: topic.name, partition },
      record: { topicId: topic.id, offset, leaderEpoch, committedAtMs, metadata },
    };
  }

  /** Counted only where there are new ones; those that are pending count like the others. */
  #isFull(newCount: number): boolean {
    if (newCount === 0) return false;
    return this.count + this.#pending.size + newCount > this.#limits.offsetsMax;
  }

  #isBeingCommitted(place: OffsetPlace): boolean {
    return this.#onTheirWay.has(keyOf(place)) || this.#pending.isPending(place);
  }

  #count(keys: readonly string[], change: number): void {
    for (const key of keys) {
      const count = (this.#onTheirWay.get(key) ?? 0) + change;
      if (count === 0) this.#onTheirWay.delete(key);
      else this.#onTheirWay.set(key, count);
    }
  }

  #has({ group, topic, partition }: OffsetPlace): boolean {
    return this.#log.state.get(offsetKey(group, topic, partition)) !== undefined;
  }
}

function keyOf({ group, topic, partition }: OffsetPlace): string {
  return offsetKey(group, topic, partition);
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
