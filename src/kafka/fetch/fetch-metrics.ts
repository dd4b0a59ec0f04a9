/** What `/metrics` says of fetch sessions and of the memory of answers to fetches. */
import type { MetricSample } from "../../base/service.ts";
import type { FetchBuffers } from "./fetch-buffers.ts";
import type { FetchSessions } from "./fetch-sessions.ts";
import type { FetchesUnderWay } from "./fetches-under-way.ts";

export function fetchMetrics(parts: {
  readonly fetchSessions: FetchSessions;
  readonly fetchBuffers: FetchBuffers;
  readonly fetchesUnderWay: FetchesUnderWay;
}): MetricSample[] {
  const { count, partitions, evictions } = parts.fetchSessions;
  const { bytesInUse, bytesIdle } = parts.fetchBuffers;
  return [
    gauge("tributary_kafka_fetch_sessions", "Fetch sessions.", count),
    gauge("tributary_kafka_fetch_session_partitions", "Partitions in them.", partitions),
    {
      name: "tributary_kafka_fetch_session_evictions_total",
      help: "Fetch sessions that gave way to another.",
      type: "counter",
      value: evictions,
    },
    gauge(
      "tributary_kafka_fetch_partitions",
      "Partitions that fetches look at now.",
      parts.fetchesUnderWay.partitions,
    ),
    gauge(
      "tributary_kafka_fetch_answer_bytes",
      "Memory of answers to fetches that their clients have not taken.",
      bytesInUse,
    ),
    gauge(
      "tributary_kafka_fetch_idle_bytes",
      "Memory that is kept for the next answers to fetches.",
      bytesIdle,
    ),
  ];
}

function gauge(name: string, help: string, value: number): MetricSample {
  return { name, help, type: "gauge", value };
}
