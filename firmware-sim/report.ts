import type { Counters } from "./counters.ts";

/** What the simulator says about itself: while it runs, and at the end. Names end in units. */
export interface Progress {
  readonly event: "progress";
  readonly elapsed_ms: number;
  readonly connected: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly in_flight: number;
  readonly owed: number;
  readonly reconnects: number;
  readonly duplicates: number;
  readonly resent: number;
  readonly rate_per_s: number;
  readonly ack_p50_ms: number;
  readonly ack_p99_ms: number;
}

export interface Summary {
  readonly event: "summary";
  readonly seed: number;
  readonly devices: number;
  readonly publish_ms: number;
  readonly drain_ms: number;
  /** Distinct data messages. */
  readonly published: number;
  readonly acknowledged: number;
  /** Distinct data messages still without an answer. */
  readonly unacknowledged: number;
  /** QoS 0 messages a broken link took with it. */
  readonly lost: number;
  /** Messages that were due and never sent. */
  readonly unsent: number;
  /** Sent again after their acknowledgement: certainly in the broker twice. */
  readonly duplicates: number;
  /** Sent again with DUP before one: each may be in the broker twice under QoS 1. */
  readonly resent: number;
  /** Retained states that devices published themselves. */
  readonly statuses: number;
  /** Wills that the broker publishes: one for each cut link. */
  readonly wills: number;
  readonly reconnects: number;
  readonly bad_rows: number;
  readonly payload_bytes: number;
  readonly rate_per_s: number;
  readonly ack_p50_ms: number;
  readonly ack_p99_ms: number;
}

export interface RunFacts {
  readonly seed: number;
  readonly devices: number;
  readonly publishMs: number;
  readonly drainMs: number;
  readonly unsent: number;
  readonly badRows: number;
}

export function progressOf(
  counters: Counters,
  owed: number,
  elapsedMs: number,
  ratePerS: number,
): Progress {
  return {
    event: "progress",
    elapsed_ms: Math.round(elapsedMs),
    connected: counters.connected,
    published: counters.published,
    acknowledged: counters.acknowledged,
    in_flight: counters.inFlight,
    owed,
    reconnects: counters.reconnects,
    duplicates: counters.duplicates,
    resent: counters.resent,
    rate_per_s: Math.round(ratePerS),
    ...latencies(counters),
  };
}

export function summaryOf(counters: Counters, facts: RunFacts): Summary {
  return {
    event: "summary",
    seed: facts.seed,
    devices: facts.devices,
    publish_ms: Math.round(facts.publishMs),
    drain_ms: Math.round(facts.drainMs),
    published: counters.published,
    acknowledged: counters.acknowledged,
    unacknowledged: counters.published - counters.acknowledged - counters.lost,
    lost: counters.lost,
    unsent: facts.unsent,
    duplicates: counters.duplicates,
    resent: counters.resent,
    statuses: counters.statuses,
    wills: counters.cuts,
    reconnects: counters.reconnects,
    bad_rows: facts.badRows,
    payload_bytes: counters.payloadBytes,
    rate_per_s: Math.round((counters.acknowledged * 1_000) / (facts.publishMs + facts.drainMs)),
    ...latencies(counters),
  };
}

/** True where nothing is missing: every message was sent, and answered where an answer is due. */
export function isComplete(summary: Summary): boolean {
  return summary.unacknowledged === 0 && summary.unsent === 0;
}

export function progressLine(progress: Progress): string {
  const { published, acknowledged, in_flight: inFlight, reconnects, owed } = progress;
  return [
    `${(progress.elapsed_ms / 1_000).toFixed(1)} s`,
    `published ${published}`,
    `acked ${acknowledged}`,
    `in flight ${inFlight}`,
    `${progress.rate_per_s} msg/s`,
    `p50 ${progress.ack_p50_ms} ms`,
    `reconnects ${reconnects}`,
    ...(owed > 0 ? [`waiting ${owed}`] : []),
  ].join("  ");
}

export function summaryText(summary: Summary): string {
  const seconds = ((summary.publish_ms + summary.drain_ms) / 1_000).toFixed(1);
  const rows: readonly (readonly [string, number, string])[] = [
    ["published", summary.published, "distinct messages"],
    ["acknowledged", summary.acknowledged, `in ${seconds} s, ${summary.rate_per_s} a second`],
    ["unacknowledged", summary.unacknowledged, ""],
    ["lost", summary.lost, "QoS 0, on a broken link"],
    ["unsent", summary.unsent, "due, but the broker did not keep up"],
    ["duplicates", summary.duplicates, "sent again after their acknowledgement"],
    ["resent", summary.resent, "sent again with DUP after a reconnect"],
    ["statuses", summary.statuses, `from devices, and ${summary.wills} wills for cut links`],
    ["reconnects", summary.reconnects, ""],
    ["bad rows", summary.bad_rows, "skipped"],
  ];
  const optional = new Set(["lost", "unsent", "duplicates", "resent", "reconnects", "bad rows"]);
  const shown = rows.filter(([name, count]) => count > 0 || !optional.has(name));
  const lines = shown.map(([name, count, note]) =>
    `  ${name.padEnd(15)}${String(count).padStart(10)}  ${note}`.trimEnd(),
  );
  lines.push(`  ack latency     p50 ${summary.ack_p50_ms} ms, p99 ${summary.ack_p99_ms} ms`);
  return lines.join("\n");
}

function latencies(counters: Counters): { ack_p50_ms: number; ack_p99_ms: number } {
  const shown = (share: number) => Number(counters.ackLatency.quantileMs(share).toPrecision(3));
  return { ack_p50_ms: shown(0.5), ack_p99_ms: shown(0.99) };
}
