/** A forwarder's status as Prometheus samples. */
import type { MetricSample } from "../base/service.ts";
import type { ForwarderStatus, LaneStatus } from "./status.ts";

interface TopicMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricSample["type"];
  readonly of: (lane: LaneStatus) => number;
}

const TOPIC_METRICS: readonly TopicMetric[] = [
  {
    name: "tributary_upstream_lag_records",
    help: "Records on this gateway that upstream has not acknowledged yet.",
    type: "gauge",
    of: (lane) => lane.lagRecords,
  },
  {
    name: "tributary_upstream_forwarded_records_total",
    help: "Records acknowledged upstream.",
    type: "counter",
    of: (lane) => lane.forwardedRecords,
  },
  {
    name: "tributary_upstream_forwarded_bytes_total",
    help: "Bytes of record batches acknowledged upstream.",
    type: "counter",
    of: (lane) => lane.forwardedBytes,
  },
  {
    name: "tributary_upstream_retries_total",
    help: "Attempts that failed and were, or will be, made again.",
    type: "counter",
    of: (lane) => lane.retries,
  },
  {
    name: "tributary_upstream_gap_records_total",
    help: "Records that were dropped here before they were forwarded.",
    type: "counter",
    of: (lane) => lane.gapRecords,
  },
  {
    name: "tributary_upstream_blocked_partitions",
    help: "Partitions that stand still until someone puts their problem right.",
    type: "gauge",
    of: (lane) => (lane.state === "blocked" ? 1 : 0),
  },
];

export function forwarderMetrics(
  status: ForwarderStatus,
  failedConnects: number,
  inFlightBytes: number,
): readonly MetricSample[] {
  const samples: MetricSample[] = [
    {
      name: "tributary_upstream_connected",
      help: "1 while upstream answers, else 0.",
      type: "gauge",
      value: status.link === "connected" ? 1 : 0,
    },
    {
      name: "tributary_upstream_connect_failures_total",
      help: "Attempts to reach upstream that failed.",
      type: "counter",
      value: failedConnects,
    },
    {
      name: "tributary_upstream_in_flight_bytes",
      help: "Memory set aside for batches being read and sent.",
      type: "gauge",
      value: inFlightBytes,
    },
  ];
  for (const { name, help, type, of } of TOPIC_METRICS) {
    for (const { topic, partitions } of status.topics) {
      const value = partitions.reduce((sum, lane) => sum + of(lane), 0);
      samples.push({ name, help, type, value, labels: { topic } });
    }
  }
  for (const reason of problemsNow(status)) {
    samples.push({
      name: "tributary_upstream_problem",
      help: "1 for each kind of problem that upstream has now.",
      type: "gauge",
      value: 1,
      labels: { reason },
    });
  }
  return samples;
}

function problemsNow(status: ForwarderStatus): ReadonlySet<string> {
  const lanes = status.topics.flatMap(({ partitions }) => partitions);
  const problems = [status.problem, ...lanes.map(({ problem }) => problem)];
  return new Set(problems.flatMap((problem) => (problem === undefined ? [] : [problem.reason])));
}
