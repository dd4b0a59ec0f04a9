/**
 * What one group does to transactions, worked out batch by batch before its commit: what goes into
 * the transaction on the disk with it, and, once that is flushed, what changes in memory. A commit
 * that fails leaves no trace, for nothing is applied before.
 */
import type { Offset } from "../../base/offset.ts";
import { markerKind } from "../../wire/control-batch.ts";
import { isControl, producerEpoch, producerId } from "../../wire/record-batch.ts";
import type { AbortedTransaction, OpenTransaction, StateValue } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { AbortedEntry } from "../storage/storage.ts";
import { encodeSpan, spanKey } from "./aborted-span.ts";
import { encodeOpen, openKey } from "./open-transaction.ts";
import { PartitionTransactions } from "./partition-transactions.ts";

/** Where a transactional batch goes. */
interface Place {
  readonly partition: LogPartition;
  readonly offset: Offset;
  /** Where the partition begins in the segment that the batch goes into. */
  readonly segmentStart: Offset;
  readonly nowMs: number;
}

export class GroupTransactions {
  /** For the segment's own index. */
  readonly aborted: AbortedEntry[] = [];
  readonly states: [key: string, value: StateValue][] = [];
  readonly #changes: (() => void)[] = [];
  /** What this group has begun (or, undefined, ended) so far. */
  readonly #open = new Map<LogPartition, Map<bigint, OpenTransaction | undefined>>();

  /** Takes the next batch of the group that is part of a transaction. */
  add(batch: Buffer, place: Place): void {
    // Its keys have been, or are about to be, removed: none may come after.
    if (place.partition.deleted) return;
    if (isControl(batch)) this.#end(batch, place);
    else this.#begin(batch, place);
  }

  /** Call it in the turn in which the high watermarks move. */
  apply(): void {
    for (const change of this.#changes) change();
  }

  #begin(batch: Buffer, { partition, offset, nowMs }: Place): void {
    const id = producerId(batch);
    if (this.#openOf(partition, id) !== undefined) return;
    const transaction: OpenTransaction = {
      producerId: id,
      producerEpoch: producerEpoch(batch),
      firstOffset: offset,
      sinceMs: nowMs,
    };
    this.#note(partition, id, transaction);
    this.states.push([openKey(partition.id, id), encodeOpen(transaction)]);
    this.#changes.push(() => transactionsOf(partition).begin(transaction));
  }

  #end(marker: Buffer, { partition, offset, segmentStart }: Place): void {
    const id = producerId(marker);
    const open = this.#openOf(partition, id);
    // None of it may be here; and what a newer instance of the producer began is not this one's.
    if (open === undefined || producerEpoch(marker) < open.producerEpoch) return;
    this.#note(partition, id, undefined);
    this.states.push([openKey(partition.id, id), undefined]);
    this.#changes.push(() => transactionsOf(partition).end(id));
    if (markerKind(marker) === "commit") return;
    const { firstOffset } = open;
    const aborted: AbortedTransaction = { producerId: id, firstOffset, lastOffset: offset };
    if (firstOffset >= segmentStart) {
      this.aborted.push({ partitionId: partition.id, ...aborted });
      return;
    }
    this.states.push([spanKey(partition.id, aborted), encodeSpan(aborted)]);
    this.#changes.push(() => transactionsOf(partition).addSpan(aborted));
  }

  #openOf(partition: LogPartition, id: bigint): OpenTransaction | undefined {
    const own = this.#open.get(partition);
    return own?.has(id) === true ? own.get(id) : partition.transactions?.openOf(id);
  }

  #note(partition: LogPartition, id: bigint, transaction: OpenTransaction | undefined): void {
    const own = this.#open.get(partition) ?? new Map<bigint, OpenTransaction | undefined>();
    this.#open.set(partition, own.set(id, transaction));
  }
}

function transactionsOf(partition: LogPartition): PartitionTransactions {
  partition.transactions ??= new PartitionTransactions();
  return partition.transactions;
}
