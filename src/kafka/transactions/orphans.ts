/**
 * What is open in the log, or pending for groups, and belongs to no transaction that anybody knows:
 * it is aborted at a start. Owner of the timer that tries it again: while it is open, committed readers
 * wait before it, so a disk that is full just then must not leave it so until the next start.
 *
 * What is to be done is looked up anew each time, since producers are at work by then. None of theirs is
 * ever in it: a partition is in its transaction's record before a batch is taken for it, and until its
 * marker is on the disk.
 */
import type { Timers } from "../../base/timers.ts";
import type { AppendGroup, Log } from "../../log/contract.ts";
import type { PendingOffsets } from "../groups/pending-offsets.ts";
import type { TransactionDirectory } from "./directory.ts";
import { transactionKey } from "./transaction-record.ts";

export interface OrphanParts {
  readonly log: Log;
  readonly timers: Timers;
  readonly directory: TransactionDirectory;
  readonly pending: PendingOffsets;
  /** Transactional ids whose records are of a state of the log that was lost. */
  readonly outdated: readonly string[];
  readonly retryMs: number;
  /** Told of why it has to be tried again. @throws the error itself where it is a bug */
  readonly notWritten: (error: unknown) => void;
}

export class Orphans {
  readonly #parts: OrphanParts;
  #cancelTimer = () => {};
  #closed = false;

  constructor(parts: OrphanParts) {
    this.#parts = parts;
  }

  /** Aborts them, and goes on trying until that is on the disk. */
  async abort(): Promise<void> {
    try {
      await this.#abortNow();
    } catch (error) {
      this.#parts.notWritten(error);
      if (this.#closed) return;
      this.#cancelTimer = this.#parts.timers.after(this.#parts.retryMs, () => void this.abort());
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  async #abortNow(): Promise<void> {
    const { log, pending } = this.#parts;
    const group = log.group();
    let count = this.#forgetOutdated(group) + this.#abortOpen(group);
    const producers = pending.producers().filter((id) => !this.#isOngoing(id));
    for (const producerId of producers) {
      pending.removeIn(group, producerId);
      count += 1;
    }
    if (count === 0) return;
    await group.flushed;
    for (const producerId of producers) pending.forget(producerId);
  }

  #forgetOutdated(group: AppendGroup): number {
    const { outdated, directory } = this.#parts;
    // An id that has come back since has a record of its own, in the same place.
    const gone = outdated.filter((id) => directory.find(id) === undefined);
    for (const id of gone) group.putState(transactionKey(id), undefined);
    return gone.length;
  }

  #abortOpen(group: AppendGroup): number {
    const { log, directory } = this.#parts;
    let count = 0;
    for (const partition of log.topics().flatMap(({ partitions }) => partitions)) {
      for (const { producerId, producerEpoch } of log.openTransactions(partition)) {
        const known = directory.ofProducer(Number(producerId));
        if (known?.record.partitions.has(partition.id) === true) continue;
        const marker = { producerId, producerEpoch, kind: "abort", coordinatorEpoch: 0 } as const;
        group.addMarker(partition, marker);
        count += 1;
      }
    }
    return count;
  }

  #isOngoing(producerId: number): boolean {
    return this.#parts.directory.ofProducer(producerId)?.record.state === "Ongoing";
  }
}
