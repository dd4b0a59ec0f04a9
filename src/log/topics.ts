/**
 * The topics there are: names, ids, partitions, settings. Kept in the storage's `topics` map, one
 * document a topic; partition ids are given once, ever. Owner of every {@link LogPartition}.
 *
 * A {@link LogTopic} is a picture of one moment: a change makes a new one, over the same partitions.
 */
import { randomUUID } from "node:crypto";
import { assert, TributaryError } from "../base/errors.ts";
import { type Offset, ZERO_OFFSET } from "../base/offset.ts";
import type {
  ConfigChange,
  KeyValues,
  NewTopic,
  Topic,
  TopicChange,
  TopicConfig,
} from "./contract.ts";
import type { LogOptions } from "./options.ts";
import { LogPartition } from "./partition.ts";
import { decodeTopic, encodeTopic, type StoredTopic, withChange } from "./stored-topic.ts";
import { TopicListeners } from "./topic-listeners.ts";
import { checkTopicName } from "./topic-name.ts";

/** Partitions of one topic; Kafka's clients cope with more, a gateway need not. */
export const TOPIC_PARTITIONS_MAX = 1024;
const TOPIC_PREFIX = "topic/";
const NEXT_PARTITION_ID = "next-partition-id";

/** Partition ids begin at 1: in a segment, 0 is the number of its own records. */
const FIRST_PARTITION_ID = 1;

export interface LogTopic extends Topic {
  readonly partitions: readonly LogPartition[];
}

export interface RecoveredOffsets {
  readonly logStartOffset: Offset;
  readonly nextOffset: Offset;
  readonly leaderEpoch: number;
}

export interface TopicTableOptions
  extends Pick<LogOptions, "topicDefaults" | "topicsMax" | "partitionsMax"> {
  /** What the records of new partitions are written under. */
  readonly leaderEpoch: number;
}

export class TopicTable {
  readonly listeners = new TopicListeners();
  readonly #map: KeyValues;
  readonly #options: TopicTableOptions;
  readonly #byName = new Map<string, LogTopic>();
  readonly #byId = new Map<string, LogTopic>();
  readonly #byPartitionId = new Map<number, LogTopic>();
  readonly #partitions = new Map<number, LogPartition>();
  readonly #stored = new Map<string, StoredTopic>();
  readonly #busy = new Map<string, Promise<unknown>>();
  /** On their way to the disk: they count against the limits already. */
  readonly #inMaking = { topics: 0, partitions: 0 };
  #sorted: readonly LogTopic[] | undefined;
  #nextPartitionId = FIRST_PARTITION_ID;

  constructor(map: KeyValues, options: TopicTableOptions) {
    this.#map = map;
    this.#options = options;
  }

  get defaults(): Readonly<TopicConfig> {
    return this.#options.topicDefaults;
  }

  /** Reads the map; `recover` says where each partition stood. */
  load(recover: (partitionId: number) => RecoveredOffsets): void {
    const next = this.#map.get(NEXT_PARTITION_ID);
    if (next !== undefined) this.#nextPartitionId = Number(text(next));
    for (const [key, value] of this.#map.entries()) {
      if (!key.startsWith(TOPIC_PREFIX)) continue;
      const stored = decodeTopic(value);
      const name = key.slice(TOPIC_PREFIX.length);
      const partitions = stored.partitionIds.map(
        (id, index) => new LogPartition({ topic: name, index, id }, recover(id)),
      );
      this.#install(name, stored, partitions);
    }
  }

  all(): readonly LogTopic[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  get(name: string): LogTopic | undefined {
    return this.#byName.get(name);
  }

  byId(id: string): LogTopic | undefined {
    return this.#byId.get(id);
  }

  configOf(partition: LogPartition): Readonly<TopicConfig> {
    return this.#byPartitionId.get(partition.id)?.config ?? this.defaults;
  }

  ofPartition(partitionId: number): LogTopic | undefined {
    return this.#byPartitionId.get(partitionId);
  }

  partition(id: number): LogPartition | undefined {
    return this.#partitions.get(id);
  }

  *partitions(): Iterable<LogPartition> {
    for (const topic of this.#byName.values()) yield* topic.partitions;
  }

  create(name: string, { partitions: count, config = {} }: NewTopic): Promise<LogTopic> {
    return this.#alone(name, async () => {
      checkTopicName(name);
      checkPartitionCount(name, count);
      const blank = { id: randomUUID(), partitionIds: [], config: {} };
      const configured = withChange(blank, config);
      if (this.#byName.has(name)) {
        throw new TributaryError("TOPIC_EXISTS", `Topic ${name} exists already.`);
      }
      return await this.#withRoomFor({ topics: 1, partitions: count }, async () => {
        return await this.#store(name, configured, this.#newPartitions(name, 0, count), "created");
      });
    });
  }

  /** The same topic with `total` partitions: those that it has, and new ones after them. */
  addPartitions(name: string, total: number): Promise<LogTopic> {
    return this.#alone(name, async () => {
      const { partitions } = this.#mustGet(name);
      checkMorePartitions(name, partitions.length, total);
      const count = total - partitions.length;
      return await this.#withRoomFor({ topics: 0, partitions: count }, async () => {
        const more = this.#newPartitions(name, partitions.length, count);
        return await this.#store(name, this.#storedOf(name), [...partitions, ...more], "grown");
      });
    });
  }

  /** Forgets the topic, durably; its data goes with the segments that hold it. */
  remove(name: string): Promise<LogTopic> {
    return this.#alone(name, async () => {
      const topic = this.#mustGet(name);
      for (const partition of topic.partitions) partition.closed = true;
      try {
        await this.#map.write([[TOPIC_PREFIX + name, undefined]]);
      } catch (error) {
        for (const partition of topic.partitions) partition.closed = false;
        throw error;
      }
      this.#byName.delete(name);
      this.#byId.delete(topic.id);
      this.#stored.delete(name);
      for (const partition of topic.partitions) {
        partition.deleted = true;
        this.#byPartitionId.delete(partition.id);
        this.#partitions.delete(partition.id);
      }
      this.#sorted = undefined;
      this.listeners.tell({ name, kind: "deleted" });
      return topic;
    });
  }

  configure(
    name: string,
    changes: ConfigChange | ((topic: Topic) => ConfigChange),
  ): Promise<LogTopic> {
    return this.#alone(name, async () => {
      const topic = this.#mustGet(name);
      const change = typeof changes === "function" ? changes(topic) : changes;
      const stored = withChange(this.#storedOf(name), change);
      return await this.#store(name, stored, topic.partitions, "configured");
    });
  }

  #newPartitions(topic: string, from: number, count: number): LogPartition[] {
    const firstId = this.#nextPartitionId;
    this.#nextPartitionId += count;
    const { leaderEpoch } = this.#options;
    const empty = { logStartOffset: ZERO_OFFSET, nextOffset: ZERO_OFFSET, leaderEpoch };
    return Array.from(
      { length: count },
      (_, nth) => new LogPartition({ topic, index: from + nth, id: firstId + nth }, empty),
    );
  }

  /** Puts a topic on the disk, then in its place here. */
  async #store(
    name: string,
    topic: StoredTopic,
    partitions: readonly LogPartition[],
    kind: TopicChange["kind"],
  ): Promise<LogTopic> {
    const stored = { ...topic, partitionIds: partitions.map(({ id }) => id) };
    await this.#map.write([
      [TOPIC_PREFIX + name, encodeTopic(stored)],
      [NEXT_PARTITION_ID, Buffer.from(String(this.#nextPartitionId))],
    ]);
    const installed = this.#install(name, stored, partitions);
    this.listeners.tell({ name, kind });
    return installed;
  }

  /** @throws TOPIC_LIMIT_REACHED */
  async #withRoomFor<Result>(
    wanted: { topics: number; partitions: number },
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { topicsMax, partitionsMax } = this.#options;
    const making = this.#inMaking;
    if (this.#byName.size + making.topics + wanted.topics > topicsMax) {
      throw limitReached(`${topicsMax} topics (limits.topicsMax)`);
    }
    if (this.#byPartitionId.size + making.partitions + wanted.partitions > partitionsMax) {
      throw limitReached(`${partitionsMax} partitions (limits.partitionsMax)`);
    }
    making.topics += wanted.topics;
    making.partitions += wanted.partitions;
    try {
      return await work();
    } finally {
      making.topics -= wanted.topics;
      making.partitions -= wanted.partitions;
    }
  }

  /** One change of a topic at a time, in the order in which they were asked for. */
  async #alone<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#busy.get(name);
    const turn = (before ?? Promise.resolve()).then(work, work);
    this.#busy.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(name) === turn) this.#busy.delete(name);
    }
  }

  #mustGet(name: string): LogTopic {
    const topic = this.#byName.get(name);
    if (topic === undefined) {
      throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
    }
    return topic;
  }

  #storedOf(name: string): StoredTopic {
    const stored = this.#stored.get(name);
    assert(stored !== undefined, `topic ${name} has no stored form`);
    return stored;
  }

  #install(name: string, stored: StoredTopic, partitions: readonly LogPartition[]): LogTopic {
    const topic: LogTopic = {
      name,
      id: stored.id,
      partitions,
      config: Object.freeze({ ...this.defaults, ...stored.config }),
      ownConfig: Object.freeze({ ...stored.config }),
      inert: Object.freeze({ ...stored.inert }),
      internal: name.startsWith("__"),
    };
    this.#byName.set(name, topic);
    this.#byId.set(topic.id, topic);
    this.#stored.set(name, stored);
    for (const partition of partitions) {
      this.#byPartitionId.set(partition.id, topic);
      this.#partitions.set(partition.id, partition);
    }
    this.#sorted = undefined;
    return topic;
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

/** @throws PARTITION_COUNT_INVALID */
export function checkPartitionCount(topic: string, count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= TOPIC_PARTITIONS_MAX) return;
  throw new TributaryError(
    "PARTITION_COUNT_INVALID",
    `Topic ${topic} cannot have ${count} partitions: choose 1 to ${TOPIC_PARTITIONS_MAX}.`,
  );
}

/** @throws PARTITION_COUNT_INVALID where `total` is not more than there are. */
export function checkMorePartitions(topic: string, present: number, total: number): void {
  checkPartitionCount(topic, total);
  if (total > present) return;
  throw new TributaryError(
    "PARTITION_COUNT_INVALID",
    `Topic ${topic} has ${present} partitions already: ask for more, they cannot become fewer.`,
  );
}

function limitReached(limit: string): TributaryError {
  return new TributaryError(
    "TOPIC_LIMIT_REACHED",
    `This gateway has no room for more: ${limit}. Delete topics, or raise the limit.`,
  );
}
