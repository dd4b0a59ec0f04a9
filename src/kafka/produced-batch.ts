/**
 * What a producer's bytes must be before the log takes them: exactly one whole record batch of
 * version 2, whose header, checksum and records agree. After it, nobody has to doubt a stored batch.
 */
import { TributaryError } from "../base/errors.ts";
import type { TopicConfig } from "../log/contract.ts";
import { checkRecordsAtOnce, checkRecordsInTurns, type InTurns } from "../wire/gentle-check.ts";
import {
  BATCH_HEADER_BYTES,
  baseSequence,
  compressionCodec,
  computeCrc,
  correctMaxTimestamp,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffsetDelta,
  MAGIC_V2,
  magic,
  maxTimestampMs,
  producerId,
  recordCount,
  sizeBytes,
  storedCrc,
} from "../wire/record-batch.ts";
import type { InflateBudget } from "../wire/records.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";
import { checkKeys, checkKeysInTurns } from "./keyless-records.ts";

/** Older clients have no decoder for it, so a producer this old cannot have meant it (KIP-110). */
const ZSTD_PRODUCE_VERSION = 7;

export interface BatchRules {
  readonly produceVersion: number;
  readonly topic: Readonly<TopicConfig>;
  /** Shared by the batches of a request. */
  readonly inflating: InflateBudget;
}

/**
 * Answers the batch, its max timestamp put right where its records contradict it; or undefined where
 * its records come to so much that {@link checkLargeBatch} has to look at them.
 * @throws RECORD_TOO_LARGE, BATCH_CORRUPT, BATCH_INVALID, COMPRESSION_UNSUPPORTED,
 *   DECOMPRESSED_TOO_LARGE; KafkaRefusal for a timestamp that only the broker may set,
 *   RecordsRefused for records without a key in a compacted topic
 */
export function checkProducedBatch(records: Buffer | null, rules: BatchRules): Buffer | undefined {
  if (records === null || records.length === 0) throw invalid("there is no batch");
  checkFrame(records, rules.topic.messageBytesMax);
  checkHeader(records, rules.produceVersion);
  const actualMaxMs = checkRecordsAtOnce(records, rules.inflating);
  if (actualMaxMs === undefined) return undefined;
  if (wantsKeys(rules)) checkKeys(records);
  return withMaxTimestamp(records, actualMaxMs);
}

/** The rest of the check of a batch for which {@link checkProducedBatch} answered undefined. */
export async function checkLargeBatch(
  batch: Buffer,
  rules: Pick<BatchRules, "inflating" | "topic">,
  inTurns: InTurns,
): Promise<Buffer> {
  const actualMaxMs = await checkRecordsInTurns(batch, rules.inflating, inTurns);
  if (wantsKeys(rules)) await checkKeysInTurns(batch, inTurns);
  return withMaxTimestamp(batch, actualMaxMs);
}

/** Whether a record without a key is refused. */
export function wantsKeys({ topic }: Pick<BatchRules, "topic">): boolean {
  return topic.cleanupPolicy !== "delete";
}

function withMaxTimestamp(batch: Buffer, actualMaxMs: number): Buffer {
  if (actualMaxMs !== maxTimestampMs(batch)) correctMaxTimestamp(batch, actualMaxMs);
  return batch;
}

function checkFrame(batch: Buffer, messageBytesMax: number): void {
  if (batch.length < BATCH_HEADER_BYTES) {
    throw corrupt(`${batch.length} bytes are less than a batch's header`);
  }
  if (magic(batch) !== MAGIC_V2) {
    throw invalid(`its format is version ${magic(batch)}; use a client of Kafka 0.11 or later`);
  }
  const bytes = sizeBytes(batch);
  if (bytes > messageBytesMax) {
    throw new TributaryError(
      "RECORD_TOO_LARGE",
      `A batch of ${bytes} bytes is over the topic's max.message.bytes (${messageBytesMax}); send ` +
        "smaller batches or raise it.",
    );
  }
  if (bytes < BATCH_HEADER_BYTES || bytes > batch.length) {
    throw corrupt(`its length field says ${bytes} bytes, but ${batch.length} came`);
  }
  if (bytes < batch.length) throw invalid("more than one batch for one partition");
  if (storedCrc(batch) !== computeCrc(batch)) throw corrupt("its CRC32C does not match its bytes");
}

function checkHeader(batch: Buffer, produceVersion: number): void {
  if (batch.readBigInt64BE(0) !== 0n) throw invalid("its base offset is not 0");
  if (isControl(batch)) throw invalid("control batches are the broker's to write");
  if (recordCount(batch) < 1 || lastOffsetDelta(batch) !== recordCount(batch) - 1) {
    throw invalid("its last offset delta does not fit its record count");
  }
  if (producerId(batch) >= 0n && baseSequence(batch) < 0) {
    throw invalid("it has a producer id but no sequence");
  }
  if (isTransactional(batch) && producerId(batch) < 0n) {
    throw invalid("it is part of a transaction but has no producer id");
  }
  if (isLogAppendTime(batch)) {
    throw new KafkaRefusal("INVALID_TIMESTAMP", "Only the broker may set LogAppendTime.");
  }
  if (compressionCodec(batch) === "zstd" && produceVersion < ZSTD_PRODUCE_VERSION) {
    throw new TributaryError(
      "COMPRESSION_UNSUPPORTED",
      `zstd needs Produce version ${ZSTD_PRODUCE_VERSION}; this request is version ${produceVersion}.`,
    );
  }
}

function corrupt(reason: string): TributaryError {
  return new TributaryError("BATCH_CORRUPT", `The batch is damaged: ${reason}.`);
}

function invalid(reason: string): TributaryError {
  return new TributaryError("BATCH_INVALID", `The batch is refused: ${reason}.`);
}
