/** The transaction coordinator's figures, for Prometheus. */
import type { MetricSample } from "../../base/service.ts";
import type { TransactionDirectory } from "./directory.ts";

/** How transactions have ended since the start. */
export interface TransactionCounts {
  committed: number;
  aborted: number;
  /** Aborted by the gateway: their time-out had passed. */
  timedOut: number;
  /** Aborted by the gateway: another instance of the producer began. */
  fenced: number;
}

export function transactionMetrics(
  directory: TransactionDirectory,
  counts: TransactionCounts,
): MetricSample[] {
  const ended = Object.entries({
    committed: counts.committed,
    aborted: counts.aborted,
    "timed-out": counts.timedOut,
    fenced: counts.fenced,
  }).map(([outcome, value]) => ({
    name: "tributary_kafka_transactions_total",
    help: "Transactions that have ended, by how.",
    type: "counter" as const,
    value,
    labels: { outcome },
  }));
  return [
    ...ended,
    {
      name: "tributary_kafka_transactions_open",
      help: "Transactions that are open.",
      type: "gauge",
      value: directory.all().filter(({ record }) => record.state === "Ongoing").length,
    },
    {
      name: "tributary_kafka_transactional_ids",
      help: "Transactional ids that are known.",
      type: "gauge",
      value: directory.size,
    },
  ];
}
