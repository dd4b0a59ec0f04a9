/**
 * Reads the fields of a piece of configuration that the option table does not describe (routes,
 * listeners, links), and says what is wrong with one by its key.
 */
import { TributaryError } from "../base/errors.ts";
import type { Kind } from "./kind.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** A map that has no key but those of `names`. @throws CONFIG_INVALID */
export function map(input: unknown, at: string, names: readonly string[]): Fields {
  const fields = anyMap(input, at);
  const unknownName = Object.keys(fields).find((name) => !names.includes(name));
  if (unknownName !== undefined) {
    throw invalid(`${at}.${unknownName}`, `is unknown: use ${names.join(", ")}`);
  }
  return fields;
}

/** A map whose keys are the operator's own. @throws CONFIG_INVALID */
export function anyMap(input: unknown, at: string): Fields {
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return input as Fields;
  throw invalid(at, "must be a map");
}

/** A list, each of its items read by `read`. @throws CONFIG_INVALID */
export function list<T>(
  input: unknown,
  at: string,
  countMax: number,
  read: (item: unknown, at: string) => T,
): readonly T[] {
  if (!Array.isArray(input)) throw invalid(at, "must be a list");
  if (input.length > countMax) throw invalid(at, `holds ${input.length}; ${countMax} at most`);
  return input.map((item: unknown, index) => read(item, `${at}[${index}]`));
}

/** A text that is not empty. @throws CONFIG_INVALID */
export function text(input: unknown, at: string, charactersMax = 1_000): string {
  if (typeof input !== "string" || input === "") throw invalid(at, "must be a text");
  if (input.length > charactersMax) throw invalid(at, `has at most ${charactersMax} characters`);
  return input;
}

/** @throws CONFIG_INVALID */
export function flag(input: unknown, at: string): boolean {
  if (typeof input === "boolean") return input;
  throw invalid(at, "must be true or false");
}

/** @throws CONFIG_INVALID */
export function wholeNumber(input: unknown, at: string, min: number, max: number): number {
  if (typeof input === "number" && Number.isInteger(input) && input >= min && input <= max) {
    return input;
  }
  throw invalid(at, `must be a whole number from ${min} to ${max}`);
}

/** @throws CONFIG_INVALID */
export function oneOf<const T extends string | number>(
  input: unknown,
  choices: readonly T[],
  at: string,
): T {
  const choice = choices.find((candidate) => candidate === input);
  if (choice === undefined) throw invalid(at, `must be one of ${choices.join(", ")}`);
  return choice;
}

export function invalid(key: string, complaint: string): TributaryError {
  return new TributaryError(
    "CONFIG_INVALID",
    `${key}: ${complaint.endsWith(".") ? complaint : `${complaint}.`}`,
  );
}

type Reader<T> = Pick<Kind<T>, "read">;

/** A field of one of the kinds that options have. @throws CONFIG_INVALID */
export function required<T>(kind: Reader<T>, fields: Fields, key: string, at: string): T {
  if (fields[key] === undefined) throw invalid(`${at}.${key}`, "must be given");
  const reading = kind.read(fields[key]);
  if ("value" in reading) return reading.value;
  const inner = (reading.path ?? []).map((part) => `[${String(part)}]`).join("");
  throw invalid(`${at}.${key}${inner}`, reading.problem);
}

/** The same where it may be left out. @throws CONFIG_INVALID */
export function maybe<T>(kind: Reader<T>, fields: Fields, key: string, at: string): T | undefined {
  return fields[key] === undefined ? undefined : required(kind, fields, key, at);
}
