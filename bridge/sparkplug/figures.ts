/**
 * What the bridge has counted of Sparkplug since it started. Written by the edge nodes and the
 * coding, read by {@link SparkplugFigures.samples} alone.
 */
import type { MetricSample } from "../../src/base/service.ts";

export class SparkplugFigures {
  readonly #messages = new Map<string, number>();
  historicalMetrics = 0;
  unknownAliases = 0;
  /** Messages missing between two sequence numbers, and how often some were. */
  missingMessages = 0;
  sequenceGaps = 0;
  unbornMessages = 0;
  staleDeaths = 0;
  birthsNotRemembered = 0;
  rebirthsRequested = 0;

  countMessage(type: string): void {
    this.#messages.set(type, (this.#messages.get(type) ?? 0) + 1);
  }

  samples(): MetricSample[] {
    const samples = [
      counter(
        "historical_metrics_total",
        "Metrics that were measured earlier and sent later.",
        this.historicalMetrics,
      ),
      counter(
        "unknown_aliases_total",
        "Metrics whose alias no birth has told.",
        this.unknownAliases,
      ),
      counter(
        "sequence_gaps_total",
        "Messages whose sequence number did not follow the one before.",
        this.sequenceGaps,
      ),
      counter(
        "missing_messages_total",
        "Messages missing by their sequence numbers.",
        this.missingMessages,
      ),
      counter(
        "unborn_messages_total",
        "Messages of edge nodes and devices that have not been born.",
        this.unbornMessages,
      ),
      counter(
        "stale_deaths_total",
        "Deaths of an earlier session, by their bdSeq.",
        this.staleDeaths,
      ),
      counter(
        "births_not_remembered_total",
        "Births whose metrics are not remembered, for a limit is reached.",
        this.birthsNotRemembered,
      ),
      counter(
        "rebirths_requested_total",
        "Times an edge node was asked to be born again.",
        this.rebirthsRequested,
      ),
    ];
    for (const [type, value] of this.#messages) {
      const help = "Sparkplug messages decoded.";
      samples.push({ ...counter("messages_total", help, value), labels: { type } });
    }
    return samples;
  }
}

export function sparkplugGauge(
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>>,
): MetricSample {
  return { name: `tributary_sparkplug_${name}`, help, type: "gauge", value, labels };
}

function counter(name: string, help: string, value: number): MetricSample {
  return { name: `tributary_sparkplug_${name}`, help, type: "counter", value };
}
