import { assert } from "./errors.ts";

/**
 * The position of a record in its partition: a safe integer from 0 on. Branded, so that a count, an
 * index or a number of bytes is never taken for one. bigint stops at the wire reader.
 */
export type Offset = number & { readonly __offset: unique symbol };

export const ZERO_OFFSET = 0 as Offset;

export function toOffset(value: number): Offset {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is not an offset`);
  return value as Offset;
}

/** The offset `count` records after `offset`. */
export function after(offset: Offset, count: number): Offset {
  return toOffset(offset + count);
}
