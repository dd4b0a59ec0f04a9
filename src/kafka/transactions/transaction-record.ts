/**
 * What is known of one transactional id, and its form in small state under `txn/<transactional id>`,
 * all integers big-endian:
 *
 *     0   version            int8     1
 *     1   state              int8     0 Empty, 1 Ongoing, 2 CompleteCommit, 3 CompleteAbort
 *     2   producer id        int64
 *     10  producer epoch     int16
 *     12  previous id        int64    -1 = none
 *     20  previous epoch     int16    -1 = none
 *     22  time-out           int32    milliseconds
 *     26  loss count         int32    of the log, when this was written
 *     30  started at         int64    milliseconds since 1970; -1 = no transaction is open
 *     38  changed at         int64    milliseconds since 1970
 *     46  partitions         int32 count, then uint32 partition ids
 *         groups             int32 count, then (int16 length, UTF-8)
 */
import { TributaryError } from "../../base/errors.ts";
import type { Partition } from "../../log/contract.ts";
import { WireReader } from "../../wire/reader.ts";
import { WireWriter } from "../../wire/writer.ts";
import { NO_IDENTITY, type ProducerIdentity } from "./producer-identity.ts";

/** Kafka's names. Its Prepare states are not needed: a transaction ends in one flush. */
export const TRANSACTION_STATES = ["Empty", "Ongoing", "CompleteCommit", "CompleteAbort"] as const;
export type TransactionState = (typeof TRANSACTION_STATES)[number];

export interface TransactionRecord {
  readonly state: TransactionState;
  readonly producer: ProducerIdentity;
  /** Whom InitProducerId replaced by `producer`, where it asked to be: its retry is told the same. */
  readonly previous: ProducerIdentity | undefined;
  readonly timeoutMs: number;
  readonly lossCount: number;
  readonly startedAtMs: number | undefined;
  readonly changedAtMs: number;
  /** Those that the open transaction writes to, by their ids. */
  readonly partitions: ReadonlyMap<number, Partition>;
  /** Those whose offsets it commits. */
  readonly groups: ReadonlySet<string>;
}

/** Of a transactional id that has no transaction open. */
export const NOTHING_OPEN: Pick<TransactionRecord, "startedAtMs" | "partitions" | "groups"> = {
  startedAtMs: undefined,
  partitions: new Map(),
  groups: new Set(),
};

export const TRANSACTION_KEY_PREFIX = "txn/";

const VERSION = 1;
const NEVER = -1;

export function transactionKey(transactionalId: string): string {
  return TRANSACTION_KEY_PREFIX + transactionalId;
}

export function encodeTransaction(record: TransactionRecord): Buffer {
  const { producer, previous = NO_IDENTITY } = record;
  const writer = new WireWriter();
  writer.int8(VERSION).int8(TRANSACTION_STATES.indexOf(record.state));
  writer.int64(producer.id).int16(producer.epoch).int64(previous.id).int16(previous.epoch);
  writer.int32(record.timeoutMs).int32(record.lossCount);
  writer.int64(record.startedAtMs ?? NEVER).int64(record.changedAtMs);
  writer.array([...record.partitions.keys()], (id) => writer.uint32(id));
  writer.array([...record.groups], (group) => writer.string(group));
  return writer.copy();
}

/**
 * Partitions that are no more, by `partitionOf`, are left out: nothing of them has to be ended.
 * @throws DATA_FORMAT_UNSUPPORTED
 */
export function decodeTransaction(
  value: Uint8Array,
  partitionOf: (id: number) => Partition | undefined,
): TransactionRecord {
  const reader = new WireReader(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  const version = reader.int8();
  const state = TRANSACTION_STATES[reader.int8()];
  if (version !== VERSION || state === undefined) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      "A transaction was written by a newer Tributary; start that version on this data.",
    );
  }
  const producer = readIdentity(reader);
  const previous = readIdentity(reader);
  const timeoutMs = reader.int32();
  const lossCount = reader.int32();
  const startedAtMs = reader.int64();
  const changedAtMs = reader.int64();
  const partitions = reader.array(() => partitionOf(reader.uint32()));
  const groups = reader.array(() => reader.string());
  return {
    state,
    producer,
    previous: previous.id < 0 ? undefined : previous,
    timeoutMs,
    lossCount,
    startedAtMs: startedAtMs === NEVER ? undefined : startedAtMs,
    changedAtMs,
    partitions: new Map(partitions.flatMap((each) => (each ? [[each.id, each]] : []))),
    groups: new Set(groups),
  };
}

function readIdentity(reader: WireReader): ProducerIdentity {
  const id = reader.int64();
  return { id, epoch: reader.int16() };
}
