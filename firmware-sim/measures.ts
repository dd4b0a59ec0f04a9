/**
 * Numbers with units, as people write them on a command line. Each parser answers a plain number in
 * the unit its name says, or throws a RangeError that says what would have been right.
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const unit = DURATION_UNITS_MS[match?.[2] ?? "s"];
  if (match === null || unit === undefined) {
    throw new RangeError(`"${text}" is not a duration: write 500ms, 20s, 5m or 1h`);
  }
  return Number(match[1]) * unit;
}

export function parseInteger(text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < low || value > high) {
    throw new RangeError(`"${text}" is not a whole number from ${low} to ${high}`);
  }
  return value;
}

export function parseNumber(text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < low || value > high) {
    throw new RangeError(`"${text}" is not a number from ${low} to ${high}`);
  }
  return value;
}

export function parseChoice<T extends string>(text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new RangeError(`"${text}" is none of ${choices.join(", ")}`);
  return found;
}

/** A rate a second, or `max` (Infinity). */
export function parseRatePerS(text: string): number {
  return text === "max" ? Number.POSITIVE_INFINITY : parseNumber(text, 0.001, 10_000_000);
}

/** `max` (Infinity), `1x`, `10x`, `0.5x`: how much faster than it was recorded. */
export function parseSpeed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?)x$/.exec(text);
  if (match === null || Number(match[1]) === 0) {
    throw new RangeError(`"${text}" is not a speed: write max, 1x, 10x or 3600x`);
  }
  return Number(match[1]);
}

/** `now`, an ISO 8601 time, or milliseconds since 1970. */
export function parseInstantMs(text: string, nowMs: number): number {
  if (text === "now") return nowMs;
  const value = /^\d{12,13}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(value)) {
    throw new RangeError(`"${text}" is not a time: write now or 2026-01-31T12:00:00Z`);
  }
  return value;
}

/** An address mqtt.js can dial without TLS files of its own. */
export function parseBrokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["mqtt:", "mqtts:", "tcp:"].includes(url.protocol) || url.host === "") {
    throw new RangeError(`"${text}" is not a broker: write mqtt://127.0.0.1:1883`);
  }
  return text;
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
