/**
 * The transaction coordinator: what the APIs of transactions call.
 *
 *     Empty --> Ongoing --> CompleteCommit | CompleteAbort --> Ongoing --> ...
 *
 * A transaction begins with its first partition or group, and ends in one group commit of the log:
 * the markers of all its partitions, the offsets it commits, and its new state are on disk together
 * or not at all (docs/decisions/0020). So there is no prepared state, and nothing to finish after a
 * crash.
 *
 *     directory.ts            which transactional ids there are
 *     initialization.ts       who their producers are
 *     producer-identity.ts    producer ids and epochs, and who is fenced
 *     transaction-record.ts   what is known of one, on disk
 *     transaction-writer.ts   how it gets there
 *     batch-admission.ts      what a producer may append
 *     timeouts.ts, expiry.ts  what ends by itself
 *     stored-transactions.ts  what a start finds...
 *     orphans.ts              ...and aborts
 *
 * One thing at a time happens to one id; whoever comes meanwhile is told CONCURRENT_TRANSACTIONS, and
 * tries again. Answers carry Kafka's errors by name, and come when what they say is on disk.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { MetricSample } from "../../base/service.ts";
import { systemTimers, type Timers } from "../../base/timers.ts";
import type { Log, MarkerKind, Partition } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import type { GroupCoordinator } from "../groups/coordinator.ts";
import type { MemberClaim } from "../groups/group.ts";
import type { OffsetCommit } from "../groups/offsets.ts";
import type { ProducerIds } from "../producer-ids.ts";
import { admitBatch, type ProducedTo } from "./batch-admission.ts";
import { type ProducerClaim, type Transaction, TransactionDirectory } from "./directory.ts";
import { TransactionExpiry } from "./expiry.ts";
import {
  type InitializationRequest,
  type Initialized,
  initializeProducer,
} from "./initialization.ts";
import { DEFAULT_TRANSACTION_LIMITS, type TransactionLimits } from "./limits.ts";
import { transactionMetrics } from "./metrics.ts";
import { Orphans } from "./orphans.ts";
import { fencing } from "./producer-identity.ts";
import { loadTransactions } from "./stored-transactions.ts";
import { TransactionTimeouts } from "./timeouts.ts";
import { NOTHING_OPEN, type TransactionRecord } from "./transaction-record.ts";
import { TransactionWriter } from "./transaction-writer.ts";

export interface TransactionCoordinatorOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly timers?: Timers;
  readonly limits?: Partial<TransactionLimits>;
}

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #limits: TransactionLimits;
  readonly #directory = new TransactionDirectory();
  readonly #writer: TransactionWriter;
  readonly #timeouts: TransactionTimeouts;
  readonly #expiry: TransactionExpiry;
  readonly #orphans: Orphans;
  /** What open transactions are about to have, and have not on the disk yet. */
  readonly #adding = { partitions: 0, groups: 0 };
  #closed = false;

  constructor(options: TransactionCoordinatorOptions) {
    const { log, clock, logger, groups, timers = systemTimers } = options;
    const limits = { ...DEFAULT_TRANSACTION_LIMITS, ...options.limits };
    const directory = this.#directory;
    const changed = (transaction: Transaction) => {
      if (!this.#closed) this.#timeouts.follow(transaction);
    };
    const writer = new TransactionWriter({ log, clock, logger, groups, directory, changed });
    this.#options = options;
    this.#limits = limits;
    this.#writer = writer;
    this.#timeouts = new TransactionTimeouts(timers, (transaction) => {
      void this.#timeOut(transaction);
    });
    const outdated = loadTransactions(log, directory);
    const { pending } = groups.transactionalOffsets;
    const { retryMs } = limits;
    const notWritten = (error: unknown) => writer.notWritten(error);
    const known = { log, timers, directory, pending };
    this.#orphans = new Orphans({ ...known, outdated, retryMs, notWritten });
    void this.#orphans.abort();
    for (const transaction of directory.all()) this.#timeouts.follow(transaction);
    const forget = (idle: readonly Transaction[]) => writer.forget(idle);
    this.#expiry = new TransactionExpiry({ clock, timers, limits, directory, forget });
  }

  /** InitProducerId: the producer that a transactional id has from now on, or an error. */
  async initialize(request: InitializationRequest): Promise<Initialized> {
    const { log, clock, producerIds } = this.#options;
    const parts = { log, clock, producerIds, directory: this.#directory };
    return (
      this.#refuse(request.transactionalId) ??
      (await initializeProducer(request, { ...parts, writer: this.#writer, limits: this.#limits }))
    );
  }

  /** AddPartitionsToTxn: what the producer may write to from now on. */
  async addPartitions(
    claim: ProducerClaim,
    partitions: readonly Partition[],
  ): Promise<KafkaErrorName> {
    const transaction = this.#claimed(claim);
    if (typeof transaction === "string") return transaction;
    const { record } = transaction;
    const added = partitions.filter(({ id }) => !record.partitions.has(id));
    if (added.length === 0 && record.state === "Ongoing") return "NONE";
    const count = this.#directory.openPartitionCount() + this.#adding.partitions + added.length;
    if (count > this.#limits.partitionsMax) return "POLICY_VIOLATION";
    const all = new Map([...record.partitions, ...added.map((each) => [each.id, each] as const)]);
    const next = { ...this.#ongoing(record), partitions: all };
    return await this.#add("partitions", added.length, this.#writer.change(transaction, next));
  }

  /** AddOffsetsToTxn: a group whose offsets the producer may commit from now on. */
  async addGroup(claim: ProducerClaim, groupId: string): Promise<KafkaErrorName> {
    const transaction = this.#claimed(claim);
    if (typeof transaction === "string") return transaction;
    const { record } = transaction;
    if (record.groups.has(groupId)) return "NONE";
    const { groupsMax, groupsTotalMax } = this.#limits;
    const count = this.#directory.openGroupCount() + this.#adding.groups;
    if (record.groups.size >= groupsMax || count >= groupsTotalMax) return "POLICY_VIOLATION";
    const next = { ...this.#ongoing(record), groups: new Set([...record.groups, groupId]) };
    return await this.#add("groups", 1, this.#writer.change(transaction, next));
  }

  /** TxnOffsetCommit: an error (or NONE) for each of `commits`, which count once it is committed. */
  async commitOffsets(
    claim: ProducerClaim,
    groupId: string,
    member: MemberClaim,
    commits: readonly OffsetCommit[],
  ): Promise<KafkaErrorName[]> {
    const transaction = this.#claimed(claim);
    if (typeof transaction === "string") return commits.map(() => transaction);
    const { state, groups, producer } = transaction.record;
    if (state !== "Ongoing" || !groups.has(groupId)) return commits.map(() => "INVALID_TXN_STATE");
    transaction.busy = "changing";
    try {
      const { groups: coordinator } = this.#options;
      return await coordinator.commitInTransaction(groupId, member, producer.id, commits);
    } finally {
      transaction.busy = undefined;
    }
  }

  /** EndTxn; asked again, it answers the same. */
  async end(claim: ProducerClaim, kind: MarkerKind): Promise<KafkaErrorName> {
    const transaction = this.#claimed(claim);
    if (typeof transaction === "string") return transaction;
    const { record } = transaction;
    const state = kind === "commit" ? "CompleteCommit" : "CompleteAbort";
    if (record.state === state) return "NONE";
    if (record.state !== "Ongoing") return "INVALID_TXN_STATE";
    const changedAtMs = this.#options.clock.nowMs();
    const next: TransactionRecord = { ...record, ...NOTHING_OPEN, state, changedAtMs };
    const endedBy = kind === "commit" ? "committed" : "aborted";
    return await this.#writer.end(transaction, kind, next, endedBy);
  }

  /** Checks a batch before it is appended. @throws KafkaRefusal */
  admit(batch: Buffer, produced: ProducedTo): void {
    admitBatch(batch, produced, { directory: this.#directory, log: this.#options.log });
  }

  find(transactionalId: string): Transaction | undefined {
    return this.#directory.find(transactionalId);
  }

  list(): readonly Transaction[] {
    return this.#directory.all();
  }

  metrics(): readonly MetricSample[] {
    return transactionMetrics(this.#directory, this.#writer.counts);
  }

  close(): void {
    this.#closed = true;
    this.#timeouts.close();
    this.#expiry.close();
    this.#orphans.close();
  }

  /** Counts what is on its way to the disk like what is there. */
  async #add(
    what: "partitions" | "groups",
    count: number,
    change: Promise<KafkaErrorName>,
  ): Promise<KafkaErrorName> {
    this.#adding[what] += count;
    try {
      return await change;
    } finally {
      this.#adding[what] -= count;
    }
  }

  #ongoing(record: TransactionRecord): TransactionRecord {
    const nowMs = this.#options.clock.nowMs();
    return {
      ...record,
      state: "Ongoing",
      // Its producer has heard of itself: whoever was the one before is no more than that.
      previous: undefined,
      startedAtMs: record.startedAtMs ?? nowMs,
      changedAtMs: nowMs,
    };
  }

  async #timeOut(transaction: Transaction): Promise<void> {
    const { id, record, busy } = transaction;
    const { clock, logger } = this.#options;
    if (this.#closed || record.state !== "Ongoing") return;
    const next: TransactionRecord = {
      ...record,
      ...NOTHING_OPEN,
      state: "CompleteAbort",
      producer: fencing(record.producer),
      changedAtMs: clock.nowMs(),
    };
    const error = busy ?? (await this.#writer.end(transaction, "abort", next, "timedOut"));
    if (error !== "NONE") {
      if (!this.#closed) this.#timeouts.again(transaction, this.#limits.retryMs);
      return;
    }
    const { timeoutMs } = record;
    logger.warn({ transactionalId: id, timeoutMs }, "a transaction took too long: it was aborted");
  }

  #claimed({ transactionalId, producer }: ProducerClaim): Transaction | KafkaErrorName {
    const refusal = this.#refuse(transactionalId);
    if (refusal !== undefined) return refusal;
    const known = this.#directory.find(transactionalId);
    if (known?.record.producer.id !== producer.id) return "INVALID_PRODUCER_ID_MAPPING";
    if (known.record.producer.epoch !== producer.epoch) return "PRODUCER_FENCED";
    return known.busy === undefined ? known : "CONCURRENT_TRANSACTIONS";
  }

  #refuse(transactionalId: string): KafkaErrorName | undefined {
    if (this.#closed) return "COORDINATOR_NOT_AVAILABLE";
    const bytes = Buffer.byteLength(transactionalId);
    return bytes === 0 || bytes > this.#limits.idBytesMax ? "INVALID_REQUEST" : undefined;
  }
}
