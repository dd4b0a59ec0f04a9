/**
 * The topics there are: names, ids, partitions, settings. Kept in the storage's `topics` map, one
 * JSON document a topic; partition ids are given once, ever. Owner of every {@link LogPartition}.
 */
import { randomUUID } from "node:crypto";
import { assert, TributaryError } from "../base/errors.ts";
import { type Offset, ZERO_OFFSET } from "../base/offset.ts";
import type { KeyValues, NewTopic, Topic, TopicConfig } from "./contract.ts";
import { LogPartition } from "./partition.ts";
import { checkTopicConfig } from "./topic-config.ts";
import { checkTopicName } from "./topic-name.ts";

/** Partitions of one topic; Kafka's clients cope with more, a gateway need not. */
export const TOPIC_PARTITIONS_MAX = 1024;
const TOPIC_PREFIX = "topic/";
const NEXT_PARTITION_ID = "next-partition-id";

/** Partition ids begin at 1: in a segment, 0 is the number of its own records. */
const FIRST_PARTITION_ID = 1;

interface StoredTopic {
  readonly id: string;
  readonly partitionIds: readonly number[];
  readonly config: Partial<TopicConfig>;
}

export interface LogTopic extends Topic {
  readonly partitions: readonly LogPartition[];
}

export interface RecoveredOffsets {
  readonly logStartOffset: Offset;
  readonly nextOffset: Offset;
  readonly leaderEpoch: number;
}

export class TopicTable {
  readonly #map: KeyValues;
  readonly #defaults: TopicConfig;
  readonly #byName = new Map<string, LogTopic>();
  readonly #byId = new Map<string, LogTopic>();
  readonly #byPartitionId = new Map<number, LogTopic>();
  readonly #stored = new Map<string, StoredTopic>();
  readonly #busy = new Map<string, Promise<unknown>>();
  #sorted: readonly LogTopic[] | undefined;
  #nextPartitionId = FIRST_PARTITION_ID;

  constructor(map: KeyValues, defaults: TopicConfig) {
    this.#map = map;
    this.#defaults = defaults;
  }

  /** Reads the map; `recover` says where each partition stood. */
  load(recover: (partitionId: number) => RecoveredOffsets): void {
    const next = this.#map.get(NEXT_PARTITION_ID);
    if (next !== undefined) this.#nextPartitionId = Number(text(next));
    for (const [key, value] of this.#map.entries()) {
      if (!key.startsWith(TOPIC_PREFIX)) continue;
      const stored = JSON.parse(text(value)) as StoredTopic;
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
    return this.#byPartitionId.get(partition.id)?.config ?? this.#defaults;
  }

  ofPartition(partitionId: number): LogTopic | undefined {
    return this.#byPartitionId.get(partitionId);
  }

  partition(id: number): LogPartition | undefined {
    return this.ofPartition(id)?.partitions.find((partition) => partition.id === id);
  }

  *partitions(): Iterable<LogPartition> {
    for (const topic of this.#byName.values()) yield* topic.partitions;
  }

  create(name: string, { partitions: count, config = {} }: NewTopic): Promise<LogTopic> {
    return this.#alone(name, async () => {
      checkTopicName(name);
      checkTopicConfig(config);
      if (!Number.isInteger(count) || count < 1 || count > TOPIC_PARTITIONS_MAX) {
        throw new TributaryError(
          "PARTITION_COUNT_INVALID",
          `Topic ${name} cannot have ${count} partitions: choose 1 to ${TOPIC_PARTITIONS_MAX}.`,
        );
      }
      if (this.#byName.has(name)) {
        throw new TributaryError("TOPIC_EXISTS", `Topic ${name} exists already.`);
      }
      const firstId = this.#nextPartitionId;
      this.#nextPartitionId += count;
      const partitions = Array.from(
        { length: count },
        (_, index) =>
          new LogPartition(
            { topic: name, index, id: firstId + index },
            { logStartOffset: ZERO_OFFSET, nextOffset: ZERO_OFFSET, leaderEpoch: 0 },
          ),
      );
      const stored = { id: randomUUID(), partitionIds: partitions.map(({ id }) => id), config };
      await this.#map.write([
        [TOPIC_PREFIX + name, json(stored)],
        [NEXT_PARTITION_ID, Buffer.from(String(this.#nextPartitionId))],
      ]);
      return this.#install(name, stored, partitions);
    });
  }

  /** Forgets the topic, durably; its data goes with the segments that hold it. */
  remove(name: string): Promise<LogTopic> {
    return this.#alone(name, async () => {
      const topic = this.#mustGet(name);
      for (const partition of topic.partitions) partition.deleted = true;
      await this.#map.write([[TOPIC_PREFIX + name, undefined]]);
      this.#byName.delete(name);
      this.#byId.delete(topic.id);
      this.#stored.delete(name);
      for (const { id } of topic.partitions) this.#byPartitionId.delete(id);
      this.#sorted = undefined;
      return topic;
    });
  }

  configure(name: string, changes: Partial<TopicConfig>): Promise<LogTopic> {
    return this.#alone(name, async () => {
      const topic = this.#mustGet(name);
      checkTopicConfig(changes);
      const before = this.#stored.get(name);
      assert(before !== undefined, `topic ${name} has no stored form`);
      const stored = { ...before, config: { ...before.config, ...changes } };
      await this.#map.write([[TOPIC_PREFIX + name, json(stored)]]);
      return this.#install(name, stored, topic.partitions);
    });
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

  #install(name: string, stored: StoredTopic, partitions: readonly LogPartition[]): LogTopic {
    const topic: LogTopic = {
      name,
      id: stored.id,
      partitions,
      config: Object.freeze({ ...this.#defaults, ...stored.config }),
      internal: name.startsWith("__"),
    };
    this.#byName.set(name, topic);
    this.#byId.set(topic.id, topic);
    this.#stored.set(name, stored);
    for (const { id } of partitions) this.#byPartitionId.set(id, topic);
    this.#sorted = undefined;
    return topic;
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
