/** Every limit of the Kafka listener, with its unit. */
export interface KafkaLimits {
  /** A longer request closes its connection (Kafka's socket.request.max.bytes). */
  readonly requestBytesMax: number;
  /** The same for whoever still has to log in, one request and all of them together. */
  readonly loginBytesMax: number;
  /** How long a connection may take until its client has logged in, where it has to. */
  readonly loginMsMax: number;
  /** Requests of one connection that are read ahead of their answers; then its socket waits. */
  readonly requestsInFlightMax: number;
  /** The same, in bytes of requests. */
  readonly inFlightBytesMax: number;
  /** The same of all connections together; beyond it none is read until some are answered. */
  readonly requestsBytesTotalMax: number;
  /** Memory of requests that is kept for the next ones. */
  readonly requestsIdleBytesMax: number;
  /** What all connections together have of requests whose end has not come. */
  readonly partialRequestsBytesMax: number;
  /** Beyond it, who has taken so long over a request gives way, else who brings more. */
  readonly partialRequestMsMax: number;
  /** Further connections are closed at once. */
  readonly connectionsMax: number;
  /** A connection on which nothing has moved for so long is closed. */
  readonly connectionIdleMsMax: number;
  /** How long closing the listener waits for answers under way. */
  readonly closeMsMax: number;
  /** Answers of one connection that its client has not yet taken; then no more are worked on. */
  readonly unsentBytesMax: number;
  /** Of all connections together; beyond it, each client has to take all before it is answered more. */
  readonly unsentBytesTotalMax: number;
  /** Who takes no answer for so long gives way where fetches lack memory. */
  readonly unsentMsMax: number;
  /** What one fetch answers at most, whatever it asks for (Kafka's fetch.max.bytes). */
  readonly fetchBytesMax: number;
  /** What is read from the log at a time, so that a large fetch lets others in between. */
  readonly readSliceBytes: number;
  /** What answers to fetches hold together until their clients have taken them; then fetches wait. */
  readonly fetchAnswersBytesMax: number;
  /** Memory of such answers that is kept for the next ones. */
  readonly fetchIdleBytesMax: number;
  /** Fetch sessions (Kafka's max.incremental.fetch.session.cache.slots). */
  readonly fetchSessionsMax: number;
  /** A session that nobody has used for so long gives way to a new one where there are many. */
  readonly fetchSessionIdleMs: number;
  /** Partitions of one session, and of all; who asks for more gets none and asks in full. */
  readonly fetchSessionPartitionsMax: number;
  readonly fetchSessionPartitionsTotalMax: number;
  /** The longest a fetch may wait. */
  readonly fetchWaitMsMax: number;
  /** How long the checks of produced batches may go on before others have their turn. */
  readonly checksMsMax: number;
  /** What the batches of one request may come to when decompressed to be checked. */
  readonly decompressedBytesMax: number;
  /** Pairs of idempotent producer and partition that are remembered. */
  readonly producersMax: number;
  /** What they may take of the log's small state (`log` keeps 16 MiB of it in all). */
  readonly producerBytesMax: number;
  /** How long a silent idempotent producer is remembered (Kafka's producer.id.expiration.ms). */
  readonly producerExpiryMs: number;
  /** Searches by time of all connections that run at once; the others wait. */
  readonly timeSearchesMax: number;
  /** Access control entries. */
  readonly aclsMax: number;
  /** Users that Kafka's tools may make, to log in by SCRAM. */
  readonly scramUsersMax: number;
  /** Users and client ids that may have a quota of their own. */
  readonly quotasMax: number;
  /** Rates that are measured for quotas at a time; further clients share one. */
  readonly quotaClientsMax: number;
  /** What a client without a quota may bring by Produce, in bytes per second; -1 = anything. */
  readonly producerBytesPerS: number;
  /** What a client without a quota may take by Fetch, in bytes per second; -1 = anything. */
  readonly consumerBytesPerS: number;
  /** Topics that one request may create, configure or give partitions. */
  readonly topicsPerRequestMax: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_KAFKA_LIMITS: KafkaLimits = {
  requestBytesMax: 32 * MIB,
  loginBytesMax: 64 * 1024,
  loginMsMax: 10_000,
  requestsInFlightMax: 64,
  inFlightBytesMax: 16 * MIB,
  requestsBytesTotalMax: 128 * MIB,
  requestsIdleBytesMax: 16 * MIB,
  partialRequestsBytesMax: 128 * MIB,
  partialRequestMsMax: 10_000,
  connectionsMax: 1000,
  connectionIdleMsMax: 10 * 60 * 1000,
  closeMsMax: 2000,
  unsentBytesMax: 4 * MIB,
  unsentBytesTotalMax: 192 * MIB,
  unsentMsMax: 30_000,
  fetchBytesMax: 16 * MIB,
  readSliceBytes: MIB,
  fetchAnswersBytesMax: 128 * MIB,
  fetchIdleBytesMax: 16 * MIB,
  fetchSessionsMax: 1000,
  fetchSessionIdleMs: 2 * 60 * 1000,
  fetchSessionPartitionsMax: 10_000,
  fetchSessionPartitionsTotalMax: 100_000,
  fetchWaitMsMax: 60_000,
  checksMsMax: 5,
  decompressedBytesMax: 32 * MIB,
  producersMax: 100_000,
  producerBytesMax: 8 * MIB,
  producerExpiryMs: 24 * 60 * 60 * 1000,
  timeSearchesMax: 2,
  aclsMax: 10_000,
  scramUsersMax: 1000,
  quotasMax: 1000,
  quotaClientsMax: 2000,
  producerBytesPerS: -1,
  consumerBytesPerS: -1,
  topicsPerRequestMax: 1000,
};
