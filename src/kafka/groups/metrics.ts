/** The coordinator's figures, for Prometheus. */
import type { MetricSample } from "../../base/service.ts";
import type { Group } from "./group.ts";
import { GROUP_STATES } from "./rebalance.ts";

export function groupMetrics(groups: readonly Group[], offsetCount: number): MetricSample[] {
  const byState = GROUP_STATES.filter((state) => state !== "Dead").map((state) => ({
    name: "tributary_kafka_groups",
    help: "Consumer groups by state.",
    type: "gauge" as const,
    value: groups.filter(({ rebalance }) => rebalance.state === state).length,
    labels: { state },
  }));
  return [
    ...byState,
    {
      name: "tributary_kafka_group_members",
      help: "Members of all consumer groups.",
      type: "gauge",
      value: groups.reduce((sum, { members }) => sum + members.size, 0),
    },
    {
      name: "tributary_kafka_group_offsets",
      help: "Committed offsets of all consumer groups.",
      type: "gauge",
      value: offsetCount,
    },
  ];
}
