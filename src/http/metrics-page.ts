/**
 * The Prometheus page: the samples of all rooms, the log's, and the process's own (RSS, CPU, event
 * loop delay, garbage collection) as prom-client knows them. prom-client is loaded when first asked
 * for: a gateway nobody scrapes does not pay for it.
 */
import type { Registry } from "prom-client";
import type { MetricSample } from "../base/service.ts";

export class MetricsPage {
  #process: Promise<{ client: typeof import("prom-client"); registry: Registry }> | undefined;

  /** The page, and what type of content it is. */
  async render(samples: readonly MetricSample[]): Promise<{ type: string; text: string }> {
    this.#process ??= loadProcessMetrics();
    const { client, registry } = await this.#process;
    const ours = new client.Registry();
    for (const [name, group] of byName(samples)) addMetric(client, ours, name, group);
    const [own, process] = await Promise.all([ours.metrics(), registry.metrics()]);
    return { type: ours.contentType, text: `${own}\n${process}` };
  }
}

async function loadProcessMetrics() {
  const { default: client } = await import("prom-client");
  const registry = new client.Registry();
  client.collectDefaultMetrics({ register: registry });
  return { client, registry };
}

function byName(samples: readonly MetricSample[]): Map<string, MetricSample[]> {
  const groups = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.name);
    if (group === undefined) groups.set(sample.name, [sample]);
    else group.push(sample);
  }
  return groups;
}

function addMetric(
  { Counter, Gauge }: typeof import("prom-client"),
  registry: Registry,
  name: string,
  samples: readonly MetricSample[],
): void {
  const [first] = samples;
  if (first === undefined) return;
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels ?? {})))];
  const configuration = { name, help: first.help, labelNames, registers: [registry] };
  if (first.type === "counter") {
    const counter = new Counter(configuration);
    for (const { labels, value } of samples) counter.inc(labels ?? {}, value);
  } else {
    const gauge = new Gauge(configuration);
    for (const { labels, value } of samples) gauge.set(labels ?? {}, value);
  }
}
