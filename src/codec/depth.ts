import { TributaryError } from "../base/errors.ts";
import { DEPTH_MAX, type PlainValue } from "./contract.ts";

/**
 * Refuses a value that is nested deeper than DEPTH_MAX. A level takes at least a byte, so that what
 * was decoded from `encodedBytes` bytes need not even be looked at where those are few.
 * @throws PAYLOAD_INVALID
 */
export function assertShallow(value: PlainValue, encodedBytes = Number.POSITIVE_INFINITY): void {
  if (encodedBytes > DEPTH_MAX) assertWithin(value, DEPTH_MAX);
}

function assertWithin(value: PlainValue, levels: number): void {
  if (typeof value !== "object" || value === null) return;
  if (levels === 0) {
    throw new TributaryError(
      "PAYLOAD_INVALID",
      `The payload nests arrays and objects deeper than ${DEPTH_MAX} levels`,
    );
  }
  if (Array.isArray(value)) for (const item of value) assertWithin(item, levels - 1);
  else for (const field of Object.values(value)) assertWithin(field, levels - 1);
}
