import { TributaryError } from "../base/errors.ts";
import { type BatchRules, checkProducedBatch } from "./produced-batch.ts";

/** Produced batches that were checked before they are appended, each with what came out of it. */
export type CheckedBatches = Map<Buffer, { readonly batch: Buffer } | { readonly error: unknown }>;

/** Answers whether that is all: a large batch has still to be looked into. */
export function noteCheck(checked: CheckedBatches, records: Buffer, rules: BatchRules): boolean {
  try {
    const batch = checkProducedBatch(records, rules);
    if (batch === undefined) return false;
    checked.set(records, { batch });
  } catch (error) {
    checked.set(records, { error });
  }
  return true;
}

/** Notes what comes out of the rest of a large batch's check. Never rejects. */
export async function noteLargeCheck(
  checked: CheckedBatches,
  records: Buffer,
  check: () => Promise<Buffer>,
): Promise<void> {
  try {
    checked.set(records, { batch: await check() });
  } catch (error) {
    checked.set(records, { error });
  }
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
  return known.batch;
}
