/**
 * `tributary status`: is the gateway ready, where does it listen, whom does it serve or
 * refuse, what has it taken and passed on.
 */
import { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags } from "../config-flags.ts";
import { metricValues } from "../metric-values.ts";
import { listenerConnections, mqttRows } from "../mqtt-status.ts";
import { countText, tableText } from "../table-text.ts";
import type { TopicAnswer } from "../topic-answer.ts";
import { gatewayOf } from "./topics.ts";

interface ReadyAnswer {
  readonly status: string;
  readonly reasons: readonly string[];
  readonly gateway: string;
  readonly version: string;
  readonly listeners: Readonly<Record<string, string>>;
  readonly damagedSegments: readonly { readonly file: string; readonly reason: string }[];
}

export function statusCommand({ env, out }: CommandContext): Command {
  const command = new Command("status")
    .description("what a running gateway does")
    .option("--json", "as JSON");
  addConfigFlags(command, ["config", "http"]);
  return command.action(async ({ json }: { json?: boolean }) => {
    const gateway = gatewayOf(command, env);
    const ready = (await gateway.json("/readyz")) as ReadyAnswer;
    const { topics } = (await gateway.ask("/v1/topics")) as { topics: readonly TopicAnswer[] };
    const metrics = metricValues(await gateway.text("/metrics"));
    await out.line(
      json
        ? JSON.stringify({ ...ready, topics, metrics: Object.fromEntries(metrics) })
        : [summary(ready, metrics), topicTable(topics)].join("\n\n"),
    );
  });
}

function summary(ready: ReadyAnswer, metrics: ReadonlyMap<string, number>): string {
  const value = (name: string) => metrics.get(name) ?? 0;
  const mib = (name: string) => `${countText(Math.round(value(name) / 1024 / 1024))} MiB`;
  const rows = [
    ["gateway", `${ready.gateway} (version ${ready.version})`],
    ["status", [ready.status, ...ready.reasons].join(": ")],
    ...listenerRows(ready, metrics),
    ["disk", `${mib("tributary_log_disk_bytes")} of ${mib("tributary_log_disk_budget_bytes")}`],
    ["last flush", `${value("tributary_log_last_flush_ms").toFixed(1)} ms`],
    ...compactionRows(metrics),
    ["memory", mib("process_resident_memory_bytes")],
    ...mqttRows(metrics),
    ...ready.damagedSegments.map(({ file, reason }) => ["damaged", `${file}: ${reason}`]),
  ];
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return rows.map(([name = "", text = ""]) => `${name.padEnd(width)}  ${text}`).join("\n");
}

/** Nothing where nothing is compacted. */
function compactionRows(metrics: ReadonlyMap<string, number>): readonly (readonly string[])[] {
  const value = (name: string) => metrics.get(`tributary_log_compaction_${name}`) ?? 0;
  const mib = (name: string) => `${countText(Math.round(value(name) / 1024 / 1024))} MiB`;
  if (value("passes_total") === 0 && value("dirty_bytes") === 0) return [];
  const done = [
    `${countText(value("passes_total"))} passes`,
    `${mib("written_bytes_total")} written, ${mib("freed_bytes_total")} freed`,
    `${mib("dirty_bytes")} to do`,
  ];
  return [["compaction", (value("running") === 1 ? [...done, "at work"] : done).join(", ")]];
}

function listenerRows({ listeners }: ReadyAnswer, metrics: ReadonlyMap<string, number>) {
  const connections = listenerConnections(metrics);
  return Object.entries(listeners).map(([name, address]) => {
    const count = connections.get(name);
    return [name, count === undefined ? address : `${address}, connections: ${countText(count)}`];
  });
}

function topicTable(topics: readonly TopicAnswer[]): string {
  const rows = topics.map(({ name, records }) => [
    name,
    records.accepted,
    records.retained,
    records.forwarded ?? "-",
    records.pending ?? "-",
    records.expired,
    records.dropped,
  ]);
  const header = ["TOPIC", "ACCEPTED", "RETAINED", "FORWARDED", "PENDING", "EXPIRED", "DROPPED"];
  return tableText(header, rows);
}
