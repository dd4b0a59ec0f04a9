/**
 * Records without a key: a compacted topic has no place for them. The answer names each by its index
 * in the batch (KIP-467), so that a producer can send the others again.
 */
import type { InTurns } from "../wire/gentle-check.ts";
import { inTheClear } from "../wire/in-the-clear.ts";
import { StoredRecords } from "../wire/stored-records.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";

export interface RecordError {
  readonly index: number;
  readonly message: string;
}

/** An answer names no more of them. */
export const RECORD_ERRORS_MAX = 1000;
/** Some tenths of a millisecond of looking. */
const RECORDS_PER_STEP = 2000;

export class RecordsRefused extends KafkaRefusal {
  readonly recordErrors: readonly RecordError[];

  constructor(message: string, recordErrors: readonly RecordError[]) {
    super("INVALID_RECORD", message);
    this.recordErrors = recordErrors;
  }
}

/** Of a batch whose records have been checked. @throws RecordsRefused */
export function checkKeys(batch: Buffer): void {
  const keyless = new KeylessRecords(batch);
  while (keyless.look(RECORDS_PER_STEP));
  keyless.end();
}

/** As {@link checkKeys}, for a batch that comes to much. @throws RecordsRefused */
export async function checkKeysInTurns(batch: Buffer, inTurns: InTurns): Promise<void> {
  const keyless = new KeylessRecords(await inTheClear(batch));
  await inTurns(() => keyless.look(RECORDS_PER_STEP));
  keyless.end();
}

class KeylessRecords {
  readonly #records: StoredRecords;
  readonly #refused: RecordError[] = [];
  #index = 0;

  constructor(batch: Buffer) {
    this.#records = new StoredRecords(batch);
  }

  /** Looks at so many more; answers whether there are others. */
  look(count: number): boolean {
    for (let left = count; left > 0; left -= 1) {
      if (this.#refused.length === RECORD_ERRORS_MAX || !this.#records.next()) return false;
      if (this.#records.key() === null) {
        this.#refused.push({ index: this.#index, message: "It has no key." });
      }
      this.#index += 1;
    }
    return true;
  }

  /** @throws RecordsRefused */
  end(): void {
    if (this.#refused.length === 0) return;
    throw new RecordsRefused(
      "One or more records have no key, and the topic is compacted by key: give each of them one.",
      this.#refused,
    );
  }
}
