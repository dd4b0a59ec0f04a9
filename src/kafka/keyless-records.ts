/**
 * Records without a key: a compacted topic has no place for them. The answer names each by its index
 * in the batch (KIP-467), so that a producer can send the others again.
 */
import { StoredRecords } from "../wire/stored-records.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";

export interface RecordError {
  readonly index: number;
  readonly message: string;
}

/** An answer names no more of them. */
export const RECORD_ERRORS_MAX = 1000;

export class RecordsRefused extends KafkaRefusal {
  readonly recordErrors: readonly RecordError[];

  constructor(message: string, recordErrors: readonly RecordError[]) {
    super("INVALID_RECORD", message);
    this.recordErrors = recordErrors;
  }
}

/** Of a batch whose records have been checked. @throws RecordsRefused */
export function checkKeys(batch: Buffer): void {
  const refused: RecordError[] = [];
  const records = new StoredRecords(batch);
  for (let index = 0; records.next() && refused.length < RECORD_ERRORS_MAX; index += 1) {
    if (records.key() === null) refused.push({ index, message: "It has no key." });
  }
  if (refused.length === 0) return;
  throw new RecordsRefused(
    "One or more records have no key, and the topic is compacted by key: give each of them one.",
    refused,
  );
}
