/** What a scenario's rounds come to: medians, and how they stand to Tributary's. */
import { median } from "../process-figures.ts";
import type { Measured } from "./measure.ts";

export interface Row {
  readonly server: string;
  readonly version: string;
  readonly variant: string;
  readonly promise: string;
  readonly ratePerSecond: number;
  /** Tributary's rate as a multiple of this one's. */
  readonly tributaryTimes: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of each round that ran, in the order of the rounds. */
  readonly rates: readonly number[];
  /** Messages found in the log after the rounds, all that were acknowledged; undefined: no log. */
  readonly stored: number | undefined;
  /** What kept rounds from running, once each. */
  readonly failures: readonly string[];
}

export interface Rounds {
  readonly name: string;
  readonly variant: string;
  readonly measured: readonly Measured[];
  readonly failures: readonly string[];
}

export function rowsOf(all: readonly Rounds[]): Row[] {
  const rates = new Map(
    all.filter(({ name }) => name === "tributary").map((one) => [one.variant, rateOf(one)]),
  );
  return all.map((one) => {
    const { measured, variant, failures } = one;
    const rate = rateOf(one);
    const ours = rates.get(variant);
    const stored = measured.map((round) => round.stored).filter((count) => count !== undefined);
    return {
      server: measured[0]?.peer.name ?? one.name,
      version: measured[0]?.peer.version ?? "",
      variant,
      promise: measured[0]?.peer.promise ?? "",
      ratePerSecond: Math.round(rate),
      tributaryTimes: !ours || rate === 0 ? undefined : round(ours / rate, 2),
      p50Ms: round(median(measured.map(({ p50Ms }) => p50Ms)), 2),
      p99Ms: round(median(measured.map(({ p99Ms }) => p99Ms)), 2),
      rates: measured.map(({ ratePerSecond }) => Math.round(ratePerSecond)),
      stored: stored.length === 0 ? undefined : stored.reduce((sum, count) => sum + count, 0),
      failures: [...new Set(failures)],
    };
  });
}

/** As people read it. */
export function tableOf(rows: readonly Row[], unit: string): Record<string, string | number>[] {
  return rows.map((row) => ({
    server: row.server,
    ...(row.variant !== "" && { variant: row.variant }),
    [unit]: row.rates.length === 0 ? "-" : row.ratePerSecond.toLocaleString("en-US"),
    "Tributary, times": row.tributaryTimes ?? "-",
    ...(row.p99Ms > 0 && { "p50 ms": row.p50Ms, "p99 ms": row.p99Ms }),
    ...(row.stored !== undefined && { "in the log": row.stored.toLocaleString("en-US") }),
    ...(row.failures.length > 0 && { failed: row.failures.join("; ") }),
  }));
}

function rateOf({ measured }: Rounds): number {
  return median(measured.map(({ ratePerSecond }) => ratePerSecond));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
