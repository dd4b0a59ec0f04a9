/**
 * The log's figures as metrics. Of each topic two sums hold at any moment, also after a crash,
 * because all of it comes from offsets and durable counts:
 *
 *     accepted = retained  + compacted + expired + dropped
 *     accepted = forwarded + control + aborted + overtaken + pending + dropped     (where forwarded)
 *
 * The unit is the offset. Transaction markers take one each and are never forwarded, nor are records
 * of aborted transactions: both are counted when the forwarder passes them. Records of a transaction
 * that is open are pending. Retention does not look into what it takes: what it drops or expires may
 * have been markers and aborted records, too. Compaction takes what is forwarded, so `overtaken` is
 * what was compacted before the topic was first forwarded.
 */
import type { MetricSample } from "../base/service.ts";
import type {
  CompactionFigures,
  Log,
  LogStats,
  Partition,
  ReplicationProgress,
  Topic,
} from "../log/contract.ts";

export type Replicated = (partition: Partition) => ReplicationProgress | undefined;

export function logMetrics(log: Log, replicated: Replicated): MetricSample[] {
  const stats = log.stats();
  const topics = log.topics();
  return [
    ...storageMetrics(stats, topics),
    ...topics
      .filter(({ internal }) => !internal)
      .flatMap((topic) => topicMetrics(topic, log, stats, replicated)),
  ];
}

function total(name: string, value: number, help: string): MetricSample {
  return { name: `tributary_log_${name}_total`, type: "counter", value, help };
}

function gauge(name: string, value: number, help: string): MetricSample {
  return { name: `tributary_log_${name}`, type: "gauge", value, help };
}

function compactionMetrics(figures: CompactionFigures): MetricSample[] {
  const { passes, segmentsRewritten, bytesWritten, bytesFreed, lastPassMs, dirtyBytes } = figures;
  return [
    total("compaction_passes", passes, "Passes of the cleaner over compacted topics"),
    total("compaction_segments", segmentsRewritten, "Segments that it has written again"),
    total("compaction_written_bytes", bytesWritten, "What the new ones take"),
    total("compaction_freed_bytes", bytesFreed, "What they take less than those before"),
    gauge("compaction_running", figures.running ? 1 : 0, "Whether the cleaner is at work"),
    gauge("compaction_last_pass_ms", lastPassMs, "How long its last pass took"),
    gauge("compaction_dirty_bytes", dirtyBytes, "What no pass has been through, at the last look"),
  ];
}

function storageMetrics(stats: LogStats, topics: readonly Topic[]): MetricSample[] {
  const partitionCount = topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
  return [
    total("commits", stats.commits, "Group commits since the start, one flush each"),
    total("records", stats.records, "Records flushed since the start"),
    total("batches", stats.batches, "Record batches flushed since the start"),
    total("batch_bytes", stats.batchBytes, "Bytes of record batches flushed since the start"),
    total("segments_sealed", stats.segmentsSealed, "Segments sealed since the start"),
    gauge("last_flush_ms", stats.lastFlushMs, "How long the last commit took to its flush"),
    gauge("pending_bytes", stats.pendingBytes, "What waits for its flush"),
    gauge("disk_bytes", stats.bytesOnDisk, "What all segments take on the disk"),
    gauge("disk_budget_bytes", stats.diskBudgetBytes, "What they may take"),
    gauge("topics", topics.length, "Topics, the gateway's own among them (limits.topicsMax)"),
    gauge("partitions", partitionCount, "Partitions of all topics (limits.partitionsMax)"),
    gauge("segments", stats.segmentCount, "Segments"),
    gauge("damaged_segments", stats.damaged.length, "Segments set aside as damaged"),
    ...compactionMetrics(stats.compaction),
  ];
}

const NOTHING = { expired: 0, dropped: 0, compacted: 0 };

export interface TopicLedger {
  readonly accepted: number;
  readonly retained: number;
  readonly expired: number;
  readonly dropped: number;
  /** Records that compaction took, ever; in a topic that is not compacted, none. */
  readonly compacted: number;
  /** Undefined where nobody forwards the topic. */
  readonly forwarded: number | undefined;
  readonly pending: number | undefined;
  /** Transaction markers, and records of aborted transactions, that the forwarder has passed. */
  readonly control: number | undefined;
  readonly aborted: number | undefined;
  /** Records that compaction had taken before the forwarder came to them. */
  readonly overtaken: number | undefined;
}

/** Where every record of the topic has gone. */
export function ledgerOf(
  topic: Topic,
  log: Pick<Log, "compactedOf">,
  stats: LogStats,
  replicated: Replicated,
): TopicLedger {
  const { expired, dropped, compacted: before } = stats.reclaimed.get(topic.name) ?? NOTHING;
  let compacted = before;
  let accepted = 0;
  let retained = 0;
  let pending: number | undefined;
  let control: number | undefined;
  let aborted: number | undefined;
  let overtaken: number | undefined;
  for (const partition of topic.partitions) {
    const { highWatermark, logStartOffset } = partition;
    accepted += highWatermark;
    const compactedHere = log.compactedOf(partition);
    compacted += compactedHere;
    retained += highWatermark - logStartOffset - compactedHere;
    const progress = replicated(partition);
    if (progress === undefined) continue;
    const { nextOffset, leftOut } = progress;
    pending = (pending ?? 0) + Math.max(0, highWatermark - Math.max(nextOffset, logStartOffset));
    control = (control ?? 0) + leftOut.control;
    aborted = (aborted ?? 0) + leftOut.aborted;
    overtaken = (overtaken ?? 0) + leftOut.compacted;
  }
  const passed = (control ?? 0) + (aborted ?? 0) + (overtaken ?? 0);
  const elsewhere = (pending ?? 0) + passed + dropped;
  const forwarded = pending === undefined ? undefined : Math.max(0, accepted - elsewhere);
  const kept = { accepted, retained, expired, dropped, compacted };
  return { ...kept, forwarded, pending, control, aborted, overtaken };
}

function topicMetrics(
  topic: Topic,
  log: Log,
  stats: LogStats,
  replicated: Replicated,
): MetricSample[] {
  const ledger = ledgerOf(topic, log, stats, replicated);
  const sample = (
    name: keyof TopicLedger,
    type: MetricSample["type"],
    help: string,
  ): MetricSample[] => {
    const value = ledger[name];
    if (value === undefined) return [];
    const suffix = type === "counter" ? "_total" : "";
    return [
      {
        name: `tributary_topic_records_${name}${suffix}`,
        type,
        help,
        value,
        labels: { topic: topic.name },
      },
    ];
  };
  return [
    ...sample("accepted", "counter", "Records that were flushed to the log, ever"),
    ...sample("retained", "gauge", "Records that can be read here"),
    ...sample("expired", "counter", "Records that retention took after they had served"),
    ...sample("dropped", "counter", "Records that had to give way before they were forwarded"),
    ...sample("compacted", "counter", "Records that compaction took"),
    ...sample("forwarded", "counter", "Records that upstream has acknowledged"),
    ...sample("pending", "gauge", "Records that upstream does not have yet"),
    ...sample("control", "counter", "Transaction markers, which are not forwarded"),
    ...sample("aborted", "counter", "Records of aborted transactions, which are not forwarded"),
    ...sample("overtaken", "counter", "Records that were compacted before forwarding came to them"),
  ];
}
