import { BatchBuilder } from "../../src/wire/batch-builder.ts";

/** A finished batch of `values`, one record each, keys null, a millisecond apart from `timeMs` on. */
export function batchOf(values: readonly string[], timeMs = 1_700_000_000_000): Buffer {
  const builder = new BatchBuilder();
  values.forEach((value, index) => {
    builder.add(timeMs + index, null, Buffer.from(value));
  });
  return builder.finish();
}
