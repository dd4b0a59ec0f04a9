import { type BatchRules, checkProducedBatch } from "./produced-batch.ts";

/** Produced batches that were checked before they are appended, each with what came out of it. */
export type CheckedBatches = Map<Buffer, { readonly batch: Buffer } | { readonly error: unknown }>;

export function noteCheck(checked: CheckedBatches, records: Buffer, rules: BatchRules): void {
  try {
    checked.set(records, { batch: checkProducedBatch(records, rules) });
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
  if (known === undefined) return checkProducedBatch(records, rules);
  if ("error" in known) throw known.error;
  return known.batch;
}
