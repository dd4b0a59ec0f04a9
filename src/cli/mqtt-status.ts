/**
 * What `tributary status` says of the MQTT side: connections by listener, what is kept for sessions,
 * who was refused and why, the access file, and each link. All of it is read from /metrics.
 */
import { labelledValues } from "./metric-values.ts";
import { countText } from "./table-text.ts";

export type StatusRow = readonly [name: string, text: string];
type Metrics = ReadonlyMap<string, number>;

/** The connections of each MQTT listener now, by its name. */
export function listenerConnections(metrics: Metrics): ReadonlyMap<string, number> {
  const values = labelledValues(metrics, "tributary_mqtt_listener_connections");
  return new Map(values.map(({ labels, value }) => [labels["listener"] ?? "", value]));
}

/** Nothing where the gateway serves no MQTT. */
export function mqttRows(metrics: Metrics): readonly StatusRow[] {
  if (!metrics.has("tributary_mqtt_sessions")) return [];
  return [
    sessionsRow(metrics),
    ...refusedRow(metrics),
    ...accessRow(metrics),
    ...linkRows(metrics),
  ];
}

function sessionsRow(metrics: Metrics): StatusRow {
  const count = (name: string) => countText(metrics.get(`tributary_mqtt_${name}`) ?? 0);
  const kept = [
    `${count("sessions")} kept`,
    `${count("subscriptions")} subscriptions`,
    `${count("queued_messages")} messages queued`,
    `${count("retained_messages")} retained`,
  ];
  return ["sessions", kept.join(", ")];
}

function refusedRow(metrics: Metrics): readonly StatusRow[] {
  const reasons = labelledValues(metrics, "tributary_mqtt_refused_total")
    .filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value)
    .map(({ labels, value }) => `${countText(value)} ${labels["reason"]}`);
  return reasons.length === 0 ? [] : [["refused", reasons.join(", ")]];
}

function accessRow(metrics: Metrics): readonly StatusRow[] {
  if (metrics.get("tributary_access_file_broken") !== 1) return [];
  return [["access", "the file is broken: the rules from before stay in force, the log says why"]];
}

function linkRows(metrics: Metrics): readonly StatusRow[] {
  return labelledValues(metrics, "tributary_link_connected").map(({ labels, value }) => {
    const link = labels["link"] ?? "";
    const of = (metric: string) =>
      labelledValues(metrics, `tributary_link_${metric}`).filter(
        ({ labels: l }) => l["link"] === link,
      );
    const count = (metric: string) => countText(sum(of(metric).map((sample) => sample.value)));
    const problems = of("problem").map(({ labels: { reason = "" } }) => reason);
    const state = [value === 1 ? "connected" : "not connected", ...problems].join(": ");
    const parts = [
      state,
      `in ${count("received_acknowledged_total")}`,
      `out ${count("sent_acknowledged_total")}`,
      `lag ${count("lag_records")}`,
      `dropped ${count("dropped_total")}`,
    ];
    return [`link ${link}`, parts.join(", ")];
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
