/**
 * What one payload may still hold while it is decoded: a few bytes must not become many values, nor
 * nest without end.
 */
import { invalid } from "./invalid.ts";
import { NESTING_MAX, VALUES_MAX } from "./payload.ts";

export class ValueBudget {
  #valuesLeft = VALUES_MAX;

  /** Before `values` more are made. @throws PAYLOAD_INVALID */
  take(values: number): void {
    this.#valuesLeft -= values;
    if (this.#valuesLeft < 0) throw invalid(`it holds more than ${VALUES_MAX} values`);
  }
}

/** `depth`: templates and property sets around this one, itself included. @throws PAYLOAD_INVALID */
export function assertNesting(depth: number): void {
  if (depth > NESTING_MAX) throw invalid(`it nests deeper than ${NESTING_MAX} levels`);
}
