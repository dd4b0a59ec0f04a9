/**
 * A topic's settings under Kafka's names: one table for CreateTopics, DescribeConfigs and, later,
 * AlterConfigs. Three kinds: those the log has (`field`); those that only tune a Kafka broker's
 * files, which are taken and have no effect (`tuning`), since every framework sets some; and those
 * that would promise what this log does not do, of which only the value it has is taken.
 *
 * Source: Apache Kafka, "Topic configs" (defaults of 4.x).
 */
import { TributaryError } from "../base/errors.ts";
import type { TopicConfig } from "../log/contract.ts";
import { DEFAULT_TOPIC_CONFIG } from "../log/options.ts";

/** Kafka's `ConfigType` numbers. */
export const CONFIG_TYPES = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

/** Kafka's `ConfigSource` numbers. */
export const CONFIG_SOURCES = { topic: 1, broker: 4, default: 5 } as const;

export interface TopicConfigEntry {
  readonly name: string;
  readonly type: keyof typeof CONFIG_TYPES;
  readonly help: string;
  readonly field?: keyof TopicConfig;
  /** What it is where no field says: the only value that is taken, but for `tuning`. */
  readonly fixed?: string;
  readonly tuning?: boolean;
}

const LONG_MAX = "9223372036854775807";

export const TOPIC_CONFIGS: readonly TopicConfigEntry[] = [
  long("retention.ms", "retentionMs", "Milliseconds that records are kept; -1 = for ever."),
  long("retention.bytes", "retentionBytes", "Bytes a partition may take; -1 = no limit."),
  {
    name: "max.message.bytes",
    type: "int",
    field: "messageBytesMax",
    help: "The largest record batch, in bytes.",
  },
  {
    name: "message.timestamp.type",
    type: "string",
    field: "timestampType",
    help: "Whose clock a record carries: CreateTime or LogAppendTime.",
  },
  {
    name: "tributary.when.full",
    type: "string",
    field: "whenFull",
    help: "What gives way when the disk budget is full of unreplicated records: drop-oldest or reject-new.",
  },
  fixed("cleanup.policy", "list", "delete", "Old segments are deleted."),
  fixed("compression.type", "string", "producer", "Batches are stored as they were sent."),
  fixed("min.insync.replicas", "int", "1", "There is one replica, and it flushes every write."),
  fixed("unclean.leader.election.enable", "boolean", "false", "There is nobody else to elect."),
  fixed("remote.storage.enable", "boolean", "false", "There is no tiered storage."),
  fixed("message.timestamp.before.max.ms", "long", LONG_MAX, "Old timestamps are taken."),
  fixed("message.timestamp.after.max.ms", "long", LONG_MAX, "Future timestamps are taken."),
  tuning("segment.bytes", "int", "1073741824"),
  tuning("segment.ms", "long", "604800000"),
  tuning("segment.jitter.ms", "long", "0"),
  tuning("segment.index.bytes", "int", "10485760"),
  tuning("index.interval.bytes", "int", "4096"),
  tuning("flush.messages", "long", "1"),
  tuning("flush.ms", "long", "0"),
  tuning("file.delete.delay.ms", "long", "60000"),
  tuning("preallocate", "boolean", "false"),
  tuning("delete.retention.ms", "long", "86400000"),
  tuning("min.compaction.lag.ms", "long", "0"),
  tuning("max.compaction.lag.ms", "long", LONG_MAX),
  tuning("min.cleanable.dirty.ratio", "double", "0.5"),
];

const BY_NAME = new Map(TOPIC_CONFIGS.map((entry) => [entry.name, entry]));

/**
 * The log's settings for what a client asks; null stands for the default.
 * @throws TOPIC_CONFIG_INVALID naming what is wrong with which
 */
export function parseTopicConfigs(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): Partial<TopicConfig> {
  const parsed: Record<string, string | number> = {};
  for (const { name, value } of configs) {
    const entry = BY_NAME.get(name);
    if (entry === undefined) throw invalid(`${name} is no topic setting of this gateway`);
    if (value === null || entry.tuning === true) continue;
    if (entry.field !== undefined) {
      parsed[entry.field] = entry.type === "string" ? value : integer(name, value);
    } else if (value !== entry.fixed) {
      throw invalid(`${name} is always ${entry.fixed} on this gateway; it cannot be "${value}"`);
    }
  }
  return parsed;
}

/** The value of `entry`, as text. */
export function configValue(entry: TopicConfigEntry, config: Readonly<TopicConfig>): string {
  return entry.field === undefined ? (entry.fixed ?? "") : String(config[entry.field]);
}

/** Kafka's number for where a value comes from: the topic's own settings, or the default. */
export function configSource(entry: TopicConfigEntry, config: Readonly<TopicConfig>): number {
  const { field } = entry;
  const isOwn = field !== undefined && config[field] !== DEFAULT_TOPIC_CONFIG[field];
  return isOwn ? CONFIG_SOURCES.topic : CONFIG_SOURCES.default;
}

function integer(name: string, value: string): number {
  const number = Number(value);
  // Kafka's clients say "for ever" with the largest long there is; the log says it with -1.
  if (value === LONG_MAX) return -1;
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw invalid(`${name} must be a whole number; "${value}" is not`);
  }
  return number;
}

function invalid(reason: string): TributaryError {
  return new TributaryError("TOPIC_CONFIG_INVALID", `${reason}.`);
}

function long(name: string, field: keyof TopicConfig, help: string): TopicConfigEntry {
  return { name, type: "long", field, help };
}

function fixed(
  name: string,
  type: TopicConfigEntry["type"],
  value: string,
  help: string,
): TopicConfigEntry {
  return { name, type, fixed: value, help };
}

function tuning(name: string, type: TopicConfigEntry["type"], value: string): TopicConfigEntry {
  const help = "Tunes a Kafka broker's files; taken, without effect here.";
  return { name, type, fixed: value, help, tuning: true };
}
