/**
 * The fields of an object that is about to be encoded: each is asked for by its name, and one that
 * nobody would ask for is refused, so that nothing is left out silently.
 */
import type { PlainValue } from "../contract.ts";
import { invalid } from "./invalid.ts";

export class Fields {
  readonly #fields: { readonly [name: string]: PlainValue };

  /** `names`: those there may be; without them, any. @throws PAYLOAD_INVALID */
  constructor(value: PlainValue | undefined, what: string, names?: readonly string[]) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalid(`${what} must be an object`);
    }
    this.#fields = value as { readonly [name: string]: PlainValue };
    const unknown = names && Object.keys(value).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw invalid(`"${unknown}" is unknown: ${what} has ${names?.join(", ")}`);
    }
  }

  value(name: string): PlainValue | undefined {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  /** Calls `write` with the field, where there is one. */
  given(name: string, write: (value: PlainValue) => unknown): void {
    const value = this.value(name);
    if (value !== undefined) write(value);
  }

  entries(): readonly (readonly [name: string, value: PlainValue])[] {
    return Object.entries(this.#fields);
  }
}

/** @throws PAYLOAD_INVALID */
export function listOf(value: PlainValue | undefined): readonly PlainValue[] {
  if (Array.isArray(value)) return value;
  throw invalid(`${JSON.stringify(value) ?? "nothing"} stands where a list must be`);
}
