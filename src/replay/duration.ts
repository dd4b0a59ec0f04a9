/** Lengths of time as an operator writes them; the units are those of the table, nothing else. */
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/;

/** Milliseconds of a length of time such as 90s, 1.5h or 7d; undefined where it is none. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  const unitMs = UNITS_MS[match?.[2] ?? ""];
  return match === null || unitMs === undefined ? undefined : Number(match[1]) * unitMs;
}
