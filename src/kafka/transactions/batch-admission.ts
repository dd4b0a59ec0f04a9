/**
 * Whether a producer's batch may be appended, as far as transactions are concerned: by who sends it,
 * and by what its transaction holds. Synchronous: pipelined requests keep their order.
 *
 * Source: KIP-98, and KIP-890 for the batches that nobody has announced by AddPartitionsToTxn.
 */
import type { Log, Partition } from "../../log/contract.ts";
import { isTransactional, producerEpoch, producerId } from "../../wire/record-batch.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import type { Transaction, TransactionDirectory } from "./directory.ts";

export interface ProducedTo {
  readonly partition: Partition;
  /** As the request has it. */
  readonly transactionalId: string | null;
}

/** @throws KafkaRefusal */
export function admitBatch(
  batch: Buffer,
  { partition, transactionalId }: ProducedTo,
  { directory, log }: { readonly directory: TransactionDirectory; readonly log: Log },
): void {
  const id = producerId(batch);
  if (id < 0n) return;
  const transaction = directory.ofProducer(Number(id));
  if (transaction !== undefined) checkEpoch(transaction, producerEpoch(batch));
  if (!isTransactional(batch)) {
    const isOpen = log.openTransaction(partition, id) !== undefined;
    if (!isOpen && !holds(transaction, partition)) return;
    throw new KafkaRefusal(
      "INVALID_TXN_STATE",
      "The producer has a transaction open in this partition: all it writes must be a part of it.",
    );
  }
  if (transactionalId === null) {
    throw new KafkaRefusal(
      "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
      "A batch of a transaction came without a transactional id.",
    );
  }
  if (transaction?.id !== transactionalId) {
    throw new KafkaRefusal(
      "INVALID_PRODUCER_ID_MAPPING",
      "This is not the transactional id's producer: it has to ask for its producer id again.",
    );
  }
  if (transaction.busy === "ending" || !holds(transaction, partition)) {
    throw new KafkaRefusal(
      "INVALID_TXN_STATE",
      "The partition is not a part of the producer's transaction: add it to that first.",
    );
  }
}

function holds(transaction: Transaction | undefined, partition: Partition): boolean {
  return transaction?.record.partitions.has(partition.id) === true;
}

function checkEpoch({ record }: Transaction, epoch: number): void {
  if (epoch === record.producer.epoch) return;
  throw new KafkaRefusal(
    "INVALID_PRODUCER_EPOCH",
    `The producer's epoch is ${epoch}, the newest of its transactional id ${record.producer.epoch}: ` +
      "another instance took over, or its transaction took too long.",
  );
}
