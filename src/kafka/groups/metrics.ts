/** The coordinator's figures, for Prometheus. */
import type { MetricSample } from "../../base/service.ts";
import { CONSUMER_GROUP_STATES } from "./consumer/consumer-group.ts";
import type { AnyGroup } from "./directory.ts";
import type { MemberBudget } from "./member-budget.ts";
import { GROUP_STATES } from "./rebalance.ts";

const STATES = [...new Set<string>([...GROUP_STATES, ...CONSUMER_GROUP_STATES])].filter(
  (state) => state !== "Dead",
);

export function groupMetrics(
  groups: readonly AnyGroup[],
  budget: MemberBudget,
  offsetCount: number,
): MetricSample[] {
  const byState = STATES.map((state) => ({
    name: "tributary_kafka_groups",
    help: "Consumer groups by state.",
    type: "gauge" as const,
    value: groups.filter((group) => group.state === state).length,
    labels: { state },
  }));
  return [
    ...byState,
    {
      name: "tributary_kafka_group_members",
      help: "Members of all consumer groups.",
      type: "gauge",
      value: budget.members,
    },
    {
      name: "tributary_kafka_group_member_bytes",
      help: "What the members of all consumer groups say and are assigned.",
      type: "gauge",
      value: budget.bytes,
    },
    {
      name: "tributary_kafka_group_offsets",
      help: "Committed offsets of all consumer groups.",
      type: "gauge",
      value: offsetCount,
    },
  ];
}
