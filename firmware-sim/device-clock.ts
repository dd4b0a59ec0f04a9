import type { Random } from "./random.ts";

/**
 * A device's own clock: it was set wrong by `offsetMs` and gains `driftPpm` microseconds a second.
 * What it reads depends on the true time alone, so the same message always bears the same time.
 */
export interface DeviceClock {
  readonly offsetMs: number;
  readonly driftPpm: number;
  /** What the clock shows, in whole milliseconds since 1970, at the true time `trueMs`. */
  read(trueMs: number): number;
}

export interface ClockSpread {
  /** The fastest and slowest clock of the fleet gains or loses this much. */
  readonly driftPpmMax: number;
  /** How wrong a clock may stand when the fleet starts, either way. */
  readonly offsetMsMax: number;
}

export function deviceClock(random: Random, startMs: number, spread: ClockSpread): DeviceClock {
  const driftPpm = random.between(-spread.driftPpmMax, spread.driftPpmMax);
  const offsetMs = random.between(-spread.offsetMsMax, spread.offsetMsMax);
  return {
    driftPpm,
    offsetMs,
    read: (trueMs) => Math.round(trueMs + offsetMs + ((trueMs - startMs) * driftPpm) / 1e6),
  };
}
