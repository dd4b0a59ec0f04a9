/**
 * A condition on a record's decoded payload: `value`, a path of field names and array indexes, a
 * comparison, and a literal.
 *
 *     value.temp>30    value.state="on"    value.readings[0]<=-2.5    value.alarm!=null
 *
 * The literal is JSON; what is not JSON is text (`value.state=on`). Numbers compare with numbers,
 * text with text (by code unit); everything else can only be equal or not. A field that is not
 * there is null.
 */
import { TributaryError } from "../base/errors.ts";
import type { PlainValue } from "../codec/contract.ts";

export interface PayloadFilter {
  readonly path: readonly (string | number)[];
  readonly comparison: Comparison;
  readonly literal: Scalar;
}

type Scalar = string | number | boolean | null;

const COMPARISONS = ["=", "!=", "<", "<=", ">", ">="] as const;
type Comparison = (typeof COMPARISONS)[number];

/** Whether a comparison holds, given the sign of `found - literal`. */
const HOLDS: Readonly<Record<Comparison, (difference: number) => boolean>> = {
  "=": (difference) => difference === 0,
  "!=": (difference) => difference !== 0,
  "<": (difference) => difference < 0,
  "<=": (difference) => difference <= 0,
  ">": (difference) => difference > 0,
  ">=": (difference) => difference >= 0,
};

const CONDITION = /^\s*value((?:\.[^\s.[\]<>=!]+|\[\d{1,9}\])*)\s*(!=|<=|>=|==|=|<|>)\s*(.*?)\s*$/s;
const STEP = /\.([^.[\]]+)|\[(\d+)\]/g;

/** @throws CONFIG_INVALID, naming `option` */
export function parsePayloadFilter(option: string, text: string): PayloadFilter {
  const match = CONDITION.exec(text);
  const comparison = COMPARISONS.find((known) => known === match?.[2]?.replace("==", "="));
  if (match === null || comparison === undefined) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${option}: "${text}" is not a condition; write value.FIELD, one of = != < <= > >=, and a ` +
        "number or text, such as value.temp>30",
    );
  }
  const path = [...(match[1] ?? "").matchAll(STEP)].map(([, field, index]) =>
    field === undefined ? Number(index) : field,
  );
  return { path, comparison, literal: parseLiteral(match[3] ?? "") };
}

export function matchesPayload(filter: PayloadFilter, payload: PlainValue): boolean {
  const found = fieldOf(payload, filter.path);
  const { comparison, literal } = filter;
  if (comparison === "=") return found === literal;
  if (comparison === "!=") return found !== literal;
  if (typeof found === "number" && typeof literal === "number") {
    return HOLDS[comparison](found - literal);
  }
  if (typeof found === "string" && typeof literal === "string") {
    return HOLDS[comparison](found < literal ? -1 : found > literal ? 1 : 0);
  }
  return false;
}

function fieldOf(payload: PlainValue, path: readonly (string | number)[]): PlainValue {
  let value = payload;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return null;
    const owner: object = value;
    if (!Object.hasOwn(owner, step)) return null;
    value = (owner as Record<string | number, PlainValue>)[step] ?? null;
  }
  return value;
}

function parseLiteral(text: string): Scalar {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object") return value as Scalar;
  } catch {
    // Text without quotes, which is more pleasant to write in a shell.
  }
  return text;
}
