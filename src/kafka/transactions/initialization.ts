/**
 * InitProducerId for transactional ids: gives each its producer. Whoever was the id's producer before
 * is fenced, and what that has open is aborted in the same group commit.
 *
 * Source: KIP-98; KIP-360 for a producer that goes on after an error and says who it was.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../log/contract.ts";
import type { KafkaErrorName } from "../error-codes.ts";
import type { ProducerIds } from "../producer-ids.ts";
import type { Transaction, TransactionDirectory } from "./directory.ts";
import type { TransactionLimits } from "./limits.ts";
import { fencing, nextIdentity, type ProducerIdentity } from "./producer-identity.ts";
import { NOTHING_OPEN, type TransactionRecord } from "./transaction-record.ts";
import type { TransactionWriter } from "./transaction-writer.ts";

export interface InitializationParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly producerIds: ProducerIds;
  readonly directory: TransactionDirectory;
  readonly writer: TransactionWriter;
  readonly limits: TransactionLimits;
}

export interface InitializationRequest {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** Who the asking producer says it was (KIP-360); undefined where it begins anew. */
  readonly claimed: ProducerIdentity | undefined;
}

export type Initialized = ProducerIdentity | KafkaErrorName;

export async function initializeProducer(
  request: InitializationRequest,
  parts: InitializationParts,
): Promise<Initialized> {
  const { timeoutMs } = request;
  if (timeoutMs <= 0 || timeoutMs > parts.limits.timeoutMsMax) {
    return "INVALID_TRANSACTION_TIMEOUT";
  }
  const known = parts.directory.find(request.transactionalId);
  if (known === undefined) return await create(request, parts);
  return known.busy === undefined
    ? await takeOver(known, request, parts)
    : "CONCURRENT_TRANSACTIONS";
}

async function create(
  { transactionalId, timeoutMs }: InitializationRequest,
  parts: InitializationParts,
): Promise<Initialized> {
  const { log, clock, directory, writer } = parts;
  const producer = await newProducer(parts);
  if (typeof producer === "string") return producer;
  // Somebody else may have asked for it in the meantime.
  if (directory.find(transactionalId) !== undefined) return "CONCURRENT_TRANSACTIONS";
  if (!hasRoom(parts)) return "POLICY_VIOLATION";
  const record: TransactionRecord = {
    ...NOTHING_OPEN,
    state: "Empty",
    producer,
    previous: undefined,
    timeoutMs,
    lossCount: log.lossCount,
    changedAtMs: clock.nowMs(),
  };
  const transaction = directory.add(transactionalId, record);
  const error = await writer.change(transaction, record);
  if (error === "NONE") return producer;
  directory.remove(transaction);
  return error;
}

/** Where it is full, the longest silent id gives way: its producer, if any is left, begins anew. */
function hasRoom({ directory, writer, limits }: InitializationParts): boolean {
  if (directory.size < limits.idsMax) return true;
  const silent = directory.longestSilent();
  if (silent !== undefined) writer.forget([silent]);
  return directory.size < limits.idsMax;
}

async function takeOver(
  transaction: Transaction,
  { timeoutMs, claimed }: InitializationRequest,
  parts: InitializationParts,
): Promise<Initialized> {
  const { record } = transaction;
  const isOpen = record.state === "Ongoing";
  const step = nextIdentity(record, claimed);
  if (step === "fenced") return "PRODUCER_FENCED";
  if (step === "same") return record.producer;
  // Nothing may come between while a producer id is asked for.
  transaction.busy = "ending";
  const producer = step === "new-id" ? await newProducer(parts) : fencing(record.producer);
  transaction.busy = undefined;
  if (typeof producer === "string") return producer;
  const next: TransactionRecord = {
    ...record,
    ...NOTHING_OPEN,
    state: "Empty",
    producer,
    previous: claimed === undefined ? undefined : record.producer,
    timeoutMs,
    changedAtMs: parts.clock.nowMs(),
  };
  const { writer } = parts;
  const error = isOpen
    ? await writer.end(transaction, "abort", next, "fenced")
    : await writer.change(transaction, next);
  return error === "NONE" ? producer : error;
}

async function newProducer({ producerIds, writer }: InitializationParts): Promise<Initialized> {
  try {
    return { id: await producerIds.next(), epoch: 0 };
  } catch (error) {
    return writer.notWritten(error);
  }
}
