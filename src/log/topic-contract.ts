/** A topic and its settings, as every other room sees them: a part of the log's contract. */
import type { Partition } from "./contract.ts";

export interface Topic {
  readonly name: string;
  /** A UUID. */
  readonly id: string;
  readonly partitions: readonly Partition[];
  /** Every setting, as it is in force. */
  readonly config: Readonly<TopicConfig>;
  /** What was set for this topic itself; for the rest the gateway's defaults hold. */
  readonly ownConfig: Readonly<Partial<TopicConfig>>;
  /** Settings that are kept for whoever asks and change nothing here, by the name they came under. */
  readonly inert: Readonly<Record<string, string>>;
  /** Made by Tributary for itself (such names begin with two underscores). */
  readonly internal: boolean;
}

export interface NewTopic {
  readonly partitions: number;
  readonly config?: ConfigChange;
}

/** Some settings; null = back to the gateway's default. */
export type ConfigChange = {
  readonly [Name in keyof TopicConfig]?: TopicConfig[Name] | null;
} & { readonly inert?: Readonly<Record<string, string | null>> };

export interface TopicChange {
  readonly name: string;
  readonly kind: "created" | "deleted" | "grown" | "configured";
}

export interface TopicConfig {
  /** Records older than this are expired, by segment; -1 = never. */
  retentionMs: number;
  /** A partition is kept below this many bytes, by segment; -1 = no limit. */
  retentionBytes: number;
  /** The largest batch, in bytes (Kafka's max.message.bytes). */
  messageBytesMax: number;
  /** Whose clock a record carries: its producer's, or this gateway's at the append. */
  timestampType: "CreateTime" | "LogAppendTime";
  /**
   * What gives way when the disk budget is full of records not yet replicated: `drop-oldest` drops
   * them (and says so), `reject-new` refuses appends with DISK_BUDGET_FULL.
   */
  whenFull: "drop-oldest" | "reject-new";
  /**
   * Whether time and bytes expire records (`delete`), or the newest record of each key is kept
   * (`compact`), or both.
   */
  cleanupPolicy: CleanupPolicy;
  /** How long a compacted topic keeps the record that deletes a key (its value is null). */
  deleteRetentionMs: number;
  /** Records younger than this are not compacted. */
  minCompactionLagMs: number;
  /** Records older than this are compacted at the latest; -1 = whenever. */
  maxCompactionLagMs: number;
  /** The share of a partition's bytes, 0 to 1, that must be new before it is compacted again. */
  minCleanableDirtyRatio: number;
}

export type CleanupPolicy = "delete" | "compact" | "compact,delete";
