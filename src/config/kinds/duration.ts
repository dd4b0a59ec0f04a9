/** A span of time in milliseconds: `7d`, `30s`, `250ms`, `1500`. */
import type { Kind } from "../kind.ts";
import { type Bounds, type Measure, quantity } from "./quantity.ts";

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const DURATION: Measure = {
  description: "a duration like 30s or 7d",
  placeholder: "DURATION",
  units: new Map([
    ["", 1],
    ["ms", 1],
    ["s", SECOND_MS],
    ["m", MINUTE_MS],
    ["min", MINUTE_MS],
    ["h", HOUR_MS],
    ["d", DAY_MS],
    ["w", 7 * DAY_MS],
  ]),
  shown: [
    ["d", DAY_MS],
    ["h", HOUR_MS],
    ["m", MINUTE_MS],
    ["s", SECOND_MS],
    ["ms", 1],
  ],
};

export function duration(bounds: Bounds): Kind<number> {
  return quantity(DURATION, bounds);
}
