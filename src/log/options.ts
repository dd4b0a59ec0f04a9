/** What can be set of the log, with its defaults; the option table offers most of it by name. */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { TopicConfig } from "./contract.ts";

export interface LogOptions {
  /** Injected time; the system's by default. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** A segment is sealed when it holds this many bytes. */
  readonly segmentBytes: number;
  /** What all segments together may take on the disk. */
  readonly diskBudgetBytes: number;
  /** How long a group waits for more before its commit begins; 0 = not at all. */
  readonly flushDelayMs: number;
  /** Bytes one group may gather while a commit runs; beyond it, appends are refused. */
  readonly pendingBytesMax: number;
  /** Bytes of all small state together. */
  readonly stateBytesMax: number;
  /** How often retention looks at the segments; 0 = it never looks and nothing expires. */
  readonly retentionCheckMs: number;
  /** What the cleaner may take to note the newest record of each key: 30 bytes a key. */
  readonly compactionMemoryBytes: number;
  /** What a topic gets that does not say otherwise. */
  readonly topicDefaults: TopicConfig;
  /** Topics in all; creating one more is refused. */
  readonly topicsMax: number;
  /** Partitions of all topics together: each takes some of every segment's first commit. */
  readonly partitionsMax: number;
}

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

export const DEFAULT_TOPIC_CONFIG: TopicConfig = {
  retentionMs: 7 * DAY_MS,
  retentionBytes: -1,
  messageBytesMax: 1_048_588,
  timestampType: "CreateTime",
  whenFull: "drop-oldest",
  cleanupPolicy: "delete",
  deleteRetentionMs: DAY_MS,
  minCompactionLagMs: 0,
  maxCompactionLagMs: -1,
  minCleanableDirtyRatio: 0.5,
};

export const DEFAULT_LOG_OPTIONS: Omit<LogOptions, "clock" | "logger"> = {
  segmentBytes: 64 * MIB,
  diskBudgetBytes: 10 * 1024 * MIB,
  flushDelayMs: 0,
  pendingBytesMax: 64 * MIB,
  stateBytesMax: 16 * MIB,
  retentionCheckMs: 10_000,
  compactionMemoryBytes: 4 * MIB,
  topicDefaults: DEFAULT_TOPIC_CONFIG,
  topicsMax: 5000,
  partitionsMax: 20_000,
};
