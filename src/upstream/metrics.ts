/** A forwarder's status as Prometheus samples. */
import type { MetricSample } from "../base/service.ts";
import type { ForwarderStatus, LaneStatus } from "./status.ts";

type TopicMetric = readonly [
  name: string,
  type: MetricSample["type"],
  help: string,
  of: (lane: LaneStatus) => number,
];

/** Sums over a topic's partitions. */
const TOPIC_METRICS: readonly TopicMetric[] = [
  [
    "lag_records",
    "gauge",
    "Records on this gateway that upstream has not acknowledged yet.",
    (lane) => lane.lagRecords,
  ],
  [
    "forwarded_records_total",
    "counter",
    "Records acknowledged upstream.",
    (lane) => lane.forwardedRecords,
  ],
  [
    "forwarded_bytes_total",
    "counter",
    "Bytes of record batches acknowledged upstream.",
    (lane) => lane.forwardedBytes,
  ],
  [
    "retries_total",
    "counter",
    "Attempts that failed and were, or will be, made again.",
    (lane) => lane.retries,
  ],
  [
    "gap_records_total",
    "counter",
    "Records that were dropped here before they were forwarded.",
    (lane) => lane.gapRecords,
  ],
  [
    "blocked_partitions",
    "gauge",
    "Partitions that stand still until someone puts their problem right.",
    (lane) => (lane.state === "blocked" ? 1 : 0),
  ],
];

export function forwarderMetrics(
  status: ForwarderStatus,
  failedConnects: number,
  inFlightBytes: number,
): readonly MetricSample[] {
  const samples = [
    sample(
      "connected",
      "gauge",
      "1 while upstream answers, else 0.",
      Number(status.link === "connected"),
    ),
    sample(
      "connect_failures_total",
      "counter",
      "Attempts to reach upstream that failed.",
      failedConnects,
    ),
    sample(
      "in_flight_bytes",
      "gauge",
      "Memory set aside for batches being read and sent.",
      inFlightBytes,
    ),
  ];
  for (const [name, type, help, of] of TOPIC_METRICS) {
    for (const { topic, partitions } of status.topics) {
      const value = partitions.reduce((sum, lane) => sum + of(lane), 0);
      samples.push(sample(name, type, help, value, { topic }));
    }
  }
  for (const reason of problemsNow(status)) {
    const help = "1 for each kind of problem that upstream has now.";
    samples.push(sample("problem", "gauge", help, 1, { reason }));
  }
  return samples;
}

function sample(
  name: string,
  type: MetricSample["type"],
  help: string,
  value: number,
  labels?: Readonly<Record<string, string>>,
): MetricSample {
  const all = { name: `tributary_upstream_${name}`, help, type, value };
  return labels === undefined ? all : { ...all, labels };
}

function problemsNow(status: ForwarderStatus): ReadonlySet<string> {
  const lanes = status.topics.flatMap(({ partitions }) => partitions);
  const problems = [status.problem, ...lanes.map(({ problem }) => problem)];
  return new Set(problems.flatMap((problem) => (problem === undefined ? [] : [problem.reason])));
}
