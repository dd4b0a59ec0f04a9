/**
 * A topic's settings under Kafka's names, all of them. Three kinds: those the log has (`field`);
 * those that only tune a Kafka broker, which are taken, kept, shown and change nothing here
 * (`inert`), since every framework sets some; and those that would promise what this gateway does
 * not do, of which only the value it has is taken (`fixed`).
 *
 * Source: Apache Kafka, "Topic configs" (names and defaults of 4.x).
 */
import type { TopicConfig } from "../../log/contract.ts";
import type { ConfigType } from "./described-config.ts";

export interface TopicConfigEntry {
  readonly name: string;
  readonly type: ConfigType;
  readonly help: string;
  readonly field?: keyof TopicConfig;
  /** The broker's setting that a topic's own stands before. */
  readonly brokerName?: string;
  /** The default of one without effect. */
  readonly inert?: string;
  /** The only value there is. */
  readonly fixed?: string;
  /** The least that a number may be. */
  readonly min?: number;
  /** What a word may be. */
  readonly choices?: readonly string[];
}

/** Kafka's clients say "without end" with the largest long there is; the log says it with -1. */
export const LONG_MAX = "9223372036854775807";
const INFINITE = "-1";

export const TOPIC_CONFIGS: readonly TopicConfigEntry[] = [
  {
    ...own("cleanup.policy", "list", "cleanupPolicy", "log.cleanup.policy"),
    help: "delete: time and bytes expire records; compact: the newest of each key is kept.",
  },
  {
    ...own("retention.ms", "long", "retentionMs", "log.retention.ms"),
    help: "Milliseconds that records are kept; -1 = for ever.",
  },
  {
    ...own("retention.bytes", "long", "retentionBytes", "log.retention.bytes"),
    help: "Bytes a partition may take; -1 = no limit.",
  },
  {
    ...own("max.message.bytes", "int", "messageBytesMax", "message.max.bytes"),
    help: "The largest record batch, in bytes.",
  },
  {
    ...own("message.timestamp.type", "string", "timestampType", "log.message.timestamp.type"),
    help: "Whose clock a record carries: CreateTime or LogAppendTime.",
  },
  {
    ...own("tributary.when.full", "string", "whenFull"),
    help: "What gives way when the disk budget is full of unreplicated records: drop-oldest or reject-new.",
  },
  {
    ...own("delete.retention.ms", "long", "deleteRetentionMs", "log.cleaner.delete.retention.ms"),
    help: "Milliseconds that a compacted topic keeps the mark of a deleted key.",
  },
  {
    ...own(
      "min.compaction.lag.ms",
      "long",
      "minCompactionLagMs",
      "log.cleaner.min.compaction.lag.ms",
    ),
    help: "Records younger than this are not compacted.",
  },
  {
    ...own(
      "max.compaction.lag.ms",
      "long",
      "maxCompactionLagMs",
      "log.cleaner.max.compaction.lag.ms",
    ),
    help: "Records older than this are compacted at the latest.",
  },
  {
    ...own(
      "min.cleanable.dirty.ratio",
      "double",
      "minCleanableDirtyRatio",
      "log.cleaner.min.cleanable.ratio",
    ),
    help: "The share of a partition that must be new before it is compacted again, 0 to 1.",
  },
  inert("compression.type", "string", "producer", "Batches are stored as they were sent.", {
    choices: ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"],
  }),
  inert("compression.gzip.level", "int", "-1", "Batches are stored as they were sent."),
  inert("compression.lz4.level", "int", "9", "Batches are stored as they were sent."),
  inert("compression.zstd.level", "int", "3", "Batches are stored as they were sent."),
  inert("min.insync.replicas", "int", "1", "There is one replica, and it flushes every write.", {
    min: 1,
  }),
  inert("unclean.leader.election.enable", "boolean", "false", "There is nobody else to elect."),
  inert("message.timestamp.before.max.ms", "long", LONG_MAX, "All timestamps are taken."),
  inert("message.timestamp.after.max.ms", "long", LONG_MAX, "All timestamps are taken."),
  inert("leader.replication.throttled.replicas", "list", "", "There is one replica."),
  inert("follower.replication.throttled.replicas", "list", "", "There is one replica."),
  tuning("segment.bytes", "int", "1073741824", 1),
  tuning("segment.ms", "long", "604800000", 1),
  tuning("segment.jitter.ms", "long", "0", 0),
  tuning("segment.index.bytes", "int", "10485760", 4),
  tuning("index.interval.bytes", "int", "4096", 0),
  tuning("flush.messages", "long", "1", 1),
  tuning("flush.ms", "long", "0", 0),
  tuning("file.delete.delay.ms", "long", "60000", 0),
  tuning("preallocate", "boolean", "false"),
  fixed("remote.storage.enable", "boolean", "false", "There is no tiered storage."),
  fixed("remote.log.copy.disable", "boolean", "false", "There is no tiered storage."),
  fixed("remote.log.delete.on.disable", "boolean", "false", "There is no tiered storage."),
  fixed("local.retention.ms", "long", "-2", "There is no tiered storage."),
  fixed("local.retention.bytes", "long", "-2", "There is no tiered storage."),
];

const BY_NAME = new Map(TOPIC_CONFIGS.map((entry) => [entry.name, entry]));

export function topicConfigEntry(name: string): TopicConfigEntry | undefined {
  return BY_NAME.get(name);
}

/** A value of the log's as Kafka writes it. */
export function configText({ name }: TopicConfigEntry, value: string | number): string {
  const text = String(value);
  return name === "max.compaction.lag.ms" && text === INFINITE ? LONG_MAX : text;
}

function own(name: string, type: ConfigType, field: keyof TopicConfig, brokerName?: string) {
  return { name, type, field, ...(brokerName !== undefined && { brokerName }) };
}

function inert(
  name: string,
  type: ConfigType,
  value: string,
  help: string,
  bounds: Pick<TopicConfigEntry, "min" | "choices"> = {},
): TopicConfigEntry {
  return { name, type, inert: value, help: `${help} Kept, without effect here.`, ...bounds };
}

function tuning(name: string, type: ConfigType, value: string, min?: number): TopicConfigEntry {
  const help = "It tunes a Kafka broker's files.";
  return inert(name, type, value, help, min === undefined ? {} : { min });
}

function fixed(name: string, type: ConfigType, value: string, help: string): TopicConfigEntry {
  return { name, type, fixed: value, help };
}
