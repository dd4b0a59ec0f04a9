import { TributaryError } from "../base/errors.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";
import { type BatchRules, checkProducedBatch, wantsKeys } from "./produced-batch.ts";

/** Produced batches that were checked before they are appended, each with what came out of it. */
export type CheckedBatches = Map<Buffer, CheckedBatch | { readonly error: unknown }>;

interface CheckedBatch {
  readonly batch: Buffer;
  /** The topic wanted a key of each record, when the check began. */
  readonly hasKeys: boolean;
}

/** Answers whether that is all: a large batch has still to be looked into. */
export function noteCheck(checked: CheckedBatches, records: Buffer, rules: BatchRules): boolean {
  try {
    const batch = checkProducedBatch(records, rules);
    if (batch === undefined) return false;
    checked.set(records, { batch, hasKeys: wantsKeys(rules) });
  } catch (error) {
    checked.set(records, { error });
  }
  return true;
}

/** Notes what comes out of the rest of a large batch's check, by these rules. Never rejects. */
export async function noteLargeCheck(
  checked: CheckedBatches,
  records: Buffer,
  rules: BatchRules,
  check: () => Promise<Buffer>,
): Promise<void> {
  try {
    checked.set(records, { batch: await check(), hasKeys: wantsKeys(rules) });
  } catch (error) {
    checked.set(records, { error });
  }
}

/** Its client has gone, and waits for no answer. */
export function noteUnchecked(checked: CheckedBatches, records: Buffer): void {
  const error = new TributaryError("TIMED_OUT", "The client was gone before it was checked.");
  checked.set(records, { error });
}

/** As {@link checkProducedBatch}, which it asks about a batch that was not checked yet. */
export function checkedBatch(
  checked: CheckedBatches,
  records: Buffer | null,
  rules: BatchRules,
): Buffer {
  const known = records === null ? undefined : checked.get(records);
  if (known === undefined) {
    const batch = checkProducedBatch(records, rules);
    if (batch !== undefined) return batch;
    // All of a known topic's were looked into beforehand. It is for the client to send it again.
    throw new TributaryError("TOPIC_UNKNOWN", "The topic came into being while others waited.");
  }
  if ("error" in known) throw known.error;
  if (!known.hasKeys && wantsKeys(rules)) {
    throw new KafkaRefusal(
      "NOT_LEADER_OR_FOLLOWER",
      "The topic became one that is compacted by key while the batch was checked: send it again.",
    );
  }
  return known.batch;
}
