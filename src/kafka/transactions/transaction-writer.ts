/**
 * Writes what becomes of transactions, each change in one group commit of the log, and makes it so
 * once that is on disk. The transaction is busy meanwhile.
 */
import type { Clock } from "../../base/clock.ts";
import { isTributaryError, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { RateLimitedWarnings } from "../../base/rate-limited-warnings.ts";
import type { AppendGroup, Log, MarkerKind } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import type { GroupCoordinator } from "../groups/coordinator.ts";
import type { Transaction, TransactionDirectory } from "./directory.ts";
import { addMarkers } from "./markers.ts";
import type { TransactionCounts } from "./metrics.ts";
import { fencing, isSame } from "./producer-identity.ts";
import { encodeTransaction, type TransactionRecord, transactionKey } from "./transaction-record.ts";

export interface WriterParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly groups: GroupCoordinator;
  readonly directory: TransactionDirectory;
  /** Told of each transaction that has changed. */
  readonly changed: (transaction: Transaction) => void;
}

interface Change {
  readonly busy: NonNullable<Transaction["busy"]>;
  /** Put into the same group; where it throws, it has put nothing. */
  readonly beside?: (group: AppendGroup) => void;
  /** Called as soon as all of it is on disk. */
  readonly done?: () => void;
}

const WARN_INTERVAL_MS = 5_000;

export class TransactionWriter {
  readonly counts: TransactionCounts = { committed: 0, aborted: 0, timedOut: 0, fenced: 0 };
  readonly #parts: WriterParts;
  readonly #warnings: RateLimitedWarnings;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#warnings = new RateLimitedWarnings(parts.logger, parts.clock, WARN_INTERVAL_MS);
  }

  /** Makes `next` of it; resolves when that is on disk, or to why it is not. */
  async change(
    transaction: Transaction,
    next: TransactionRecord,
    { busy, beside, done }: Change = { busy: "changing" },
  ): Promise<KafkaErrorName> {
    const { log, directory, changed } = this.#parts;
    transaction.busy = busy;
    try {
      const group = log.group();
      beside?.(group);
      group.putState(transactionKey(transaction.id), encodeTransaction(next));
      await group.flushed;
      directory.set(transaction, next);
      done?.();
      changed(transaction);
      return "NONE";
    } catch (error) {
      return this.notWritten(error);
    } finally {
      transaction.busy = undefined;
    }
  }

  /** Ends what is open, with all that belongs to it, and makes `next` of it. */
  async end(
    transaction: Transaction,
    kind: MarkerKind,
    next: TransactionRecord,
    endedBy: keyof TransactionCounts,
  ): Promise<KafkaErrorName> {
    const { producer, partitions } = transaction.record;
    const { groups } = this.#parts;
    // Where another instance follows, the markers already have an epoch that fences this one.
    const marked = isSame(next.producer, producer) ? producer : fencing(producer);
    return await this.change(transaction, next, {
      busy: "ending",
      beside: (group) => {
        groups.transactionalOffsets.endIn(group, producer.id, kind);
        addMarkers(group, partitions.values(), marked, kind);
      },
      done: () => {
        groups.transactionEnded(producer.id, kind);
        this.counts[endedBy] += 1;
      },
    });
  }

  /** Takes transactional ids out for which nothing is open. */
  forget(transactions: readonly Transaction[]): void {
    if (transactions.length === 0) return;
    const { log, directory } = this.#parts;
    const group = log.group();
    try {
      for (const transaction of transactions) {
        group.putState(transactionKey(transaction.id), undefined);
        directory.remove(transaction);
      }
    } catch (error) {
      this.notWritten(error);
      return;
    }
    // Where that fails they are known again after a restart, which does no harm.
    group.flushed.catch((error: unknown) => this.notWritten(error));
  }

  /** What clients try again. @throws `error` itself where it is a bug */
  notWritten(error: unknown): KafkaErrorName {
    if (!isTributaryError(error)) throw error;
    const fields = { code: error.code, error: messageOf(error) };
    this.#warnings.warn(error.code, fields, "what becomes of a transaction could not be written");
    return "COORDINATOR_NOT_AVAILABLE";
  }
}
