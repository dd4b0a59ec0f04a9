/**
 * Numbers with a unit behind them: what sizes and durations have in common. A plain number counts
 * in the base unit. Text that is written back uses the largest unit that leaves a whole number.
 */
import { type Kind, type Reading, readWord } from "../kind.ts";

export interface Bounds {
  readonly min: number;
  readonly max: number;
  /** The word for "no limit", which reads as -1, where that is allowed. */
  readonly unlimited?: string;
}

export interface Measure {
  /** What the value is, with its article, for error messages: `a size like 64MiB`. */
  readonly description: string;
  readonly placeholder: string;
  /** Lower-case unit to the number of base units in it. */
  readonly units: ReadonlyMap<string, number>;
  /** Units to write a value with, largest first, as they are spelt. */
  readonly shown: readonly (readonly [unit: string, size: number])[];
}

export function quantity(measure: Measure, bounds: Bounds): Kind<number> {
  const { min, max, unlimited } = bounds;
  const show = (value: number) =>
    value === -1 && unlimited !== undefined ? unlimited : showQuantity(measure, value);
  const range = `${show(min)} to ${show(max)}${unlimited === undefined ? "" : `, or ${unlimited}`}`;

  const readText = (text: string): Reading<number> => {
    if (unlimited !== undefined && (text === unlimited || text === "-1")) return { value: -1 };
    const value = readQuantity(measure, text);
    if (value === undefined) return { problem: `must be ${measure.description} (${range})` };
    return value >= min && value <= max ? { value } : { problem: `must be ${range}` };
  };
  return { read: readWord(readText), placeholder: measure.placeholder, bounds: range, show };
}

function readQuantity({ units }: Measure, text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const unit = units.get((match[2] ?? "").toLowerCase());
  if (unit === undefined) return undefined;
  const value = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}

function showQuantity({ shown }: Measure, value: number): string {
  const fitting = shown.find(([, size]) => value >= size && value % size === 0);
  return fitting === undefined ? String(value) : `${value / fitting[1]}${fitting[0]}`;
}
