/** What forwarding may take: memory, time, and how often it writes down where it is. */
export interface ForwarderLimits {
  /** The largest batch that small ones are merged into; below Kafka's default of 1,048,588. */
  readonly batchBytesMax: number;
  /** What one read of the log takes into memory for one partition. */
  readonly readBytesMax: number;
  /** What all partitions together hold in memory, read and on its way. */
  readonly inFlightBytesMax: number;
  /** The largest produce request. */
  readonly requestBytesMax: number;
  /** Produce requests under way to one broker. */
  readonly requestsInFlightMax: number;
  readonly connectTimeoutMs: number;
  /** A broker that has not answered for so long is taken for gone, and its connection dropped. */
  readonly requestTimeoutMs: number;
  /** How long new records may wait for others to share their request. */
  readonly lingerMs: number;
  /** How often progress is written down, at most. */
  readonly checkpointIntervalMs: number;
  /** How often the log is looked at for new topics. */
  readonly topicPollMs: number;
  /** How often upstream is asked where everything is, though nothing failed. */
  readonly metadataRefreshMs: number;
  /** How long to leave something alone that only people can put right. */
  readonly refusedRetryMs: number;
  /** How long closing waits for what is under way. */
  readonly closeTimeoutMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: ForwarderLimits = {
  batchBytesMax: 1_000_000,
  readBytesMax: MIB,
  inFlightBytesMax: 32 * MIB,
  requestBytesMax: 8 * MIB,
  requestsInFlightMax: 4,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  lingerMs: 10,
  checkpointIntervalMs: 500,
  topicPollMs: 1_000,
  metadataRefreshMs: 30_000,
  refusedRetryMs: 30_000,
  closeTimeoutMs: 2_000,
};
