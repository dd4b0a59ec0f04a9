/**
 * Produce, versions 0 to 11; 0 to 2 (message formats before record batches) are refused.
 *
 * They are advertised all the same: a minimum above 0 makes older librdkafka drop compression
 * silently (KAFKA-18659). Version 12 would promise transactions v2 (KIP-890).
 *
 * A batch is appended as it came, as a view of the request, which the log needs until its flush; the
 * answer waits for that. acks=0
 * is appended in the same way and not answered; where something of it is refused, the connection is
 * closed, as Kafka does: it is the one thing that such a producer notices. All appends are made
 * before the handler first waits, so the next request of the connection may begin. What compressed
 * batches come to is bounded for all of a request together.
 */
import { messageOf } from "../../base/errors.ts";
import type { Topic } from "../../log/contract.ts";
import { TOPIC_NAME_LENGTH_MAX } from "../../log/topic-name.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { InflateBudget } from "../../wire/records.ts";
import { HangUp, type KafkaApi, NO_RESPONSE, type RequestContext } from "../api.ts";
import {
  type CheckedBatches,
  checkedBatch,
  noteCheck,
  noteLargeCheck,
  noteUnchecked,
} from "../checked-batches.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { type RecordError, RecordsRefused } from "../keyless-records.ts";
import { findPartition } from "../partition-lookup.ts";
import { type BatchRules, checkLargeBatch } from "../produced-batch.ts";
import type { AppendedBatch } from "../producers.ts";
import { NOT_ALLOWED, type Rights } from "../rights.ts";

const RECORD_BATCHES_VERSION = 3;

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  /** What came out of the checks that were made beforehand, by the batch's bytes. */
  readonly checked: CheckedBatches;
  /** What its compressed batches may still come to, together; from the first check on. */
  inflating: InflateBudget | undefined;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly index: number; readonly records: Buffer | null }[];
  }[];
}

export interface ProduceResponse {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly Outcome[] }[];
}

interface Outcome {
  readonly index: number;
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
  readonly recordErrors: readonly RecordError[];
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

export const produce: KafkaApi<ProduceRequest, ProduceResponse> = {
  key: 0,
  name: "Produce",
  versions: [0, 11],
  flexibleFrom: 9,
  pipelined: true,
  requestBytesMax: Number.POSITIVE_INFINITY,
  quota: "producer_byte_rate",

  decode(reader, version) {
    const transactionalId = version >= RECORD_BATCHES_VERSION ? reader.nullableString() : null;
    const acks = reader.int16();
    reader.int32(); // Timeout: a group commit takes no part in it.
    const topics = reader.array(readTopic);
    reader.tags();
    return { transactionalId, acks, checked: new Map(), inflating: undefined, topics };
  },

  prepare(request, context) {
    return checkInTurns(request, context);
  },

  async handle(request, context) {
    const pending = request.topics.map(({ name, partitions }) => {
      const unauthorized = unauthorizedError(request, context.rights, name);
      const topic = context.broker.log.topic(name);
      return {
        name,
        partitions: partitions.map(({ index, records }) =>
          unauthorized === undefined
            ? appendBatch(request, context, { topic, index, records })
            : Promise.resolve(refused(index, unauthorized, NOT_ALLOWED)),
        ),
      };
    });
    const topics = await Promise.all(
      pending.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions),
      })),
    );
    return request.acks === 0 ? withoutAnswer(topics) : { topics };
  },

  keepsNothing(answer) {
    if (answer === NO_RESPONSE) return true;
    // Where a batch was refused halfway, its inflation may still be reading it, in another thread.
    return !(answer instanceof HangUp) && firstRefused(answer.topics) === undefined;
  },

  encode(writer, { topics }, version, throttleMs) {
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, (outcome) => {
        writer.int32(outcome.index).int16(outcome.errorCode).int64(outcome.baseOffset);
        if (version >= 2) writer.int64(outcome.logAppendTimeMs);
        if (version >= 5) writer.int64(outcome.logStartOffset);
        if (version >= 8) {
          writer.array(outcome.recordErrors, ({ index, message }) => {
            writer.int32(index).explanation(message).tags();
          });
          writer.explanation(outcome.errorMessage);
        }
        writer.tags();
      });
      writer.tags();
    });
    if (version >= 1) writer.int32(throttleMs);
    writer.tags();
  },
};

function withoutAnswer(topics: ProduceResponse["topics"]): HangUp | typeof NO_RESPONSE {
  const refused = firstRefused(topics);
  if (refused === undefined) return NO_RESPONSE;
  const { name, index, errorCode, errorMessage } = refused;
  return new HangUp(
    `A batch for partition ${index} of topic ${name.slice(0, TOPIC_NAME_LENGTH_MAX)} was sent with ` +
      `acks=0 and refused (error ${errorCode}): ${errorMessage}`,
  );
}

function firstRefused(
  topics: ProduceResponse["topics"],
): (Outcome & { readonly name: string }) | undefined {
  for (const { name, partitions } of topics) {
    const refused = partitions.find(({ errorCode }) => errorCode !== KAFKA_ERRORS.NONE);
    if (refused !== undefined) return { name, ...refused };
  }
  return undefined;
}

function readTopic(reader: WireReader) {
  const name = reader.string();
  const partitions = reader.array(readPartition);
  reader.tags();
  return { name, partitions };
}

function readPartition(reader: WireReader) {
  const index = reader.int32();
  const records = reader.nullableBytes();
  reader.tags();
  return { index, records };
}

function unauthorizedError(
  { transactionalId }: ProduceRequest,
  rights: Rights,
  topicName: string,
): KafkaErrorCode | undefined {
  if (transactionalId !== null && !rights.transactionalId("write", transactionalId)) {
    return KAFKA_ERRORS.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  }
  if (!rights.topic("write", topicName)) return KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED;
  return undefined;
}

interface Destination {
  readonly topic: Topic | undefined;
  readonly index: number;
  readonly records: Buffer | null;
}

/** Appends before it first waits; never rejects but for a bug. */
async function appendBatch(
  request: ProduceRequest,
  context: RequestContext,
  { topic, index, records }: Destination,
): Promise<Outcome> {
  const { broker, version } = context;
  const refusal = requestRefusal(request, version);
  if (refusal !== undefined) return refused(index, ...refusal);
  const partition = findPartition(topic, index);
  if (topic === undefined || typeof partition === "number") {
    return refused(index, KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION, "There is no such partition.");
  }
  try {
    const batch = checkedBatch(request.checked, records, rulesOf(request, context, topic));
    const { transactionalId } = request;
    broker.transactions.admit(batch, { partition, transactionalId });
    const appended: AppendedBatch = broker.producers.append(partition, batch);
    await appended.flushed;
    return {
      index,
      errorCode: KAFKA_ERRORS.NONE,
      errorMessage: null,
      recordErrors: [],
      baseOffset: appended.placed.baseOffset,
      logAppendTimeMs: appended.placed.logAppendTimeMs,
      logStartOffset: partition.logStartOffset,
    };
  } catch (error) {
    const refusal = refused(index, kafkaErrorOf(error), messageOf(error));
    const recordErrors = error instanceof RecordsRefused ? error.recordErrors : [];
    // By it Java's producer knows that it was forgotten (UNKNOWN_PRODUCER_ID), and begins anew.
    return { ...refusal, logStartOffset: partition.logStartOffset, recordErrors };
  }
}

/**
 * Inflating may take long: others have their turn between the batches, and within large ones, which
 * come after the small ones. Where the client leaves meanwhile, no more are looked at, but for small
 * ones that it sent with acks=0 ({@link LargeChecks} has the rule for large ones): it may well have
 * left them behind on purpose.
 */
function checkInTurns(request: ProduceRequest, context: RequestContext): Promise<void> | undefined {
  const { checks } = context.broker;
  const batches = batchesOf(request, context);
  const large: ToCheck[] = [];
  const small = checks.run(() => {
    if (request.acks !== 0 && context.signal.aborted) {
      for (const { records } of batches) noteUnchecked(request.checked, records);
      return false;
    }
    const next = batches.next();
    if (next.done === true) return false;
    const { records, topic } = next.value;
    const done = noteCheck(request.checked, records, rulesOf(request, context, topic));
    if (!done) large.push(next.value);
    return true;
  });
  if (small === undefined)
    return large.length === 0 ? undefined : checkLarge(large, request, context);
  return small.then(() => checkLarge(large, request, context));
}

async function checkLarge(
  large: readonly ToCheck[],
  request: ProduceRequest,
  context: RequestContext,
): Promise<void> {
  const { checks, largeChecks } = context.broker;
  const inLine = {
    owner: context.session,
    signal: context.signal,
    unanswered: request.acks === 0,
  };
  const inTurns = (step: () => boolean) => checks.run(step);
  for (const { records, topic } of large) {
    const rules = rulesOf(request, context, topic);
    await noteLargeCheck(request.checked, records, rules, () =>
      largeChecks.run(inLine, () => checkLargeBatch(records, rules, inTurns)),
    );
  }
}

interface ToCheck {
  readonly topic: Topic;
  readonly records: Buffer;
}

/** Those that would be appended, as far as is known before they are checked. */
function* batchesOf(
  request: ProduceRequest,
  { broker, rights, version }: RequestContext,
): Generator<ToCheck, void, undefined> {
  if (requestRefusal(request, version) !== undefined) return;
  for (const { name, partitions } of request.topics) {
    const topic = broker.log.topic(name);
    if (topic === undefined || unauthorizedError(request, rights, name) !== undefined) continue;
    for (const { index, records } of partitions) {
      if (records !== null && topic.partitions[index] !== undefined) yield { topic, records };
    }
  }
}

function rulesOf(
  request: ProduceRequest,
  { broker, version }: RequestContext,
  topic: Topic,
): BatchRules {
  request.inflating ??= { bytesLeft: broker.limits.decompressedBytesMax };
  return { produceVersion: version, topic: topic.config, inflating: request.inflating };
}

function requestRefusal(
  { acks }: ProduceRequest,
  version: number,
): [KafkaErrorCode, string] | undefined {
  if (version < RECORD_BATCHES_VERSION) {
    return [KAFKA_ERRORS.UNSUPPORTED_VERSION, "Use Produce version 3 or later."];
  }
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    return [KAFKA_ERRORS.INVALID_REQUIRED_ACKS, `acks is ${acks}; use 0, 1 or all (-1).`];
  }
  return undefined;
}

function refused(index: number, errorCode: KafkaErrorCode, errorMessage: string): Outcome {
  return {
    index,
    errorCode,
    errorMessage,
    recordErrors: [],
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
  };
}
