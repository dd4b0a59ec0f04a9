/**
 * Which transactional ids there are, and which producer each of them has now. Holds what is flushed,
 * but for an id that is being made, which is busy until it is.
 */
import type { ProducerIdentity } from "./producer-identity.ts";
import type { TransactionRecord } from "./transaction-record.ts";

/** One transactional id. */
export interface Transaction {
  readonly id: string;
  /** Changed by {@link TransactionDirectory.set} alone. */
  record: TransactionRecord;
  /**
   * What is being done to it, until that is on disk: only one thing at a time. While it ends, also
   * no batches are taken.
   */
  busy: "changing" | "ending" | undefined;
}

export class TransactionDirectory {
  readonly #byId = new Map<string, Transaction>();
  readonly #byProducer = new Map<number, Transaction>();

  get size(): number {
    return this.#byId.size;
  }

  find(id: string): Transaction | undefined {
    return this.#byId.get(id);
  }

  /** The one whose producer has that id, of whatever epoch. */
  ofProducer(producerId: number): Transaction | undefined {
    return this.#byProducer.get(producerId);
  }

  all(): readonly Transaction[] {
    return [...this.#byId.values()];
  }

  /** Partitions of all open transactions together. */
  openPartitionCount(): number {
    let count = 0;
    for (const { record } of this.#byId.values()) count += record.partitions.size;
    return count;
  }

  /** Groups of all open transactions together. */
  openGroupCount(): number {
    let count = 0;
    for (const { record } of this.#byId.values()) count += record.groups.size;
    return count;
  }

  add(id: string, record: TransactionRecord): Transaction {
    const transaction: Transaction = { id, record, busy: undefined };
    this.#byId.set(id, transaction);
    this.#byProducer.set(record.producer.id, transaction);
    return transaction;
  }

  set(transaction: Transaction, record: TransactionRecord): void {
    this.#byProducer.delete(transaction.record.producer.id);
    transaction.record = record;
    this.#byProducer.set(record.producer.id, transaction);
  }

  remove({ id, record }: Transaction): void {
    this.#byId.delete(id);
    this.#byProducer.delete(record.producer.id);
  }

  /** The one that has been silent for longest, of those that nothing is open or done for. */
  longestSilent(): Transaction | undefined {
    let longest: Transaction | undefined;
    for (const transaction of this.#byId.values()) {
      if (!isIdle(transaction)) continue;
      const { changedAtMs } = transaction.record;
      if (longest === undefined || changedAtMs < longest.record.changedAtMs) longest = transaction;
    }
    return longest;
  }
}

export function isIdle({ record, busy }: Transaction): boolean {
  return record.state !== "Ongoing" && busy === undefined;
}

/** Who asks for something to be done to a transaction. */
export interface ProducerClaim {
  readonly transactionalId: string;
  readonly producer: ProducerIdentity;
}
