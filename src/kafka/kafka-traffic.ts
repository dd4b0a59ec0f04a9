/** Counts what goes through the listener. Owner of the figures. */
import type { MetricSample } from "../base/service.ts";

export class KafkaTraffic {
  connections = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly #requests = new Map<string, number>();

  request(apiName: string): void {
    this.#requests.set(apiName, (this.#requests.get(apiName) ?? 0) + 1);
  }

  metrics(): MetricSample[] {
    const requests = [...this.#requests].map(([api, value]) => ({
      ...counter("tributary_kafka_requests_total", "Requests, by API.", value),
      labels: { api },
    }));
    return [
      {
        name: "tributary_kafka_connections",
        help: "Open Kafka connections.",
        type: "gauge",
        value: this.connections,
      },
      counter("tributary_kafka_received_bytes_total", "Bytes received.", this.bytesIn),
      counter("tributary_kafka_sent_bytes_total", "Bytes sent.", this.bytesOut),
      ...requests,
    ];
  }
}

function counter(name: string, help: string, value: number): MetricSample {
  return { name, help, type: "counter", value };
}
