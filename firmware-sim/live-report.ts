import type { Counters } from "./counters.ts";
import { progressLine, progressOf } from "./report.ts";

/**
 * Tells how a run goes, until stopped: one line refreshed on a terminal, a JSON object a line under
 * `--json`, and otherwise a plain line now and then, on standard error.
 */
export function startLiveReport(source: LiveSource, mode: LiveMode): () => void {
  const startMs = performance.now();
  let lastMs = startMs;
  let lastAcknowledged = 0;
  let rate = 0;
  const report = () => {
    const nowMs = performance.now();
    const acknowledged = source.counters.acknowledged;
    const current = ((acknowledged - lastAcknowledged) * 1_000) / (nowMs - lastMs);
    // Smoothed over about a second, or a line refreshed four times in it could not be read.
    rate += (current - rate) * Math.min(1, PERIOD_MS[mode] / 1_000 + 0.25);
    lastMs = nowMs;
    lastAcknowledged = acknowledged;
    const progress = progressOf(source.counters, source.owed, nowMs - startMs, rate);
    if (mode === "json") process.stdout.write(`${JSON.stringify(progress)}\n`);
    else if (mode === "terminal") process.stderr.write(`\r\x1b[2K${progressLine(progress)}`);
    else process.stderr.write(`${progressLine(progress)}\n`);
  };
  const timer = setInterval(report, PERIOD_MS[mode]);
  return () => {
    clearInterval(timer);
    // Who listens to a program hears how it stood at the end; a person reads the summary.
    if (mode === "json") report();
    if (mode === "terminal") process.stderr.write("\r\x1b[2K");
  };
}

/** Anything that publishes and counts. */
export interface LiveSource {
  readonly counters: Counters;
  readonly owed: number;
}

export type LiveMode = "terminal" | "json" | "plain";

const PERIOD_MS: Readonly<Record<LiveMode, number>> = { terminal: 250, json: 250, plain: 2_000 };
