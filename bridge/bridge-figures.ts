/**
 * What the bridge has counted since it started. Each figure is written by one part of the bridge
 * and read by {@link BridgeFigures.samples} alone.
 */
import type { MetricSample } from "../src/base/service.ts";
import type { ListenerRefusalReason } from "../src/listeners/contract.ts";

export type RefusalReason =
  | ListenerRefusalReason
  | "malformed"
  | "packet-too-large"
  | "reserved-topic"
  | "identifier"
  | "record-too-large"
  | "disk-budget"
  | "storage"
  | "slow-subscriber"
  | "subscriptions-full"
  | "qos2-window"
  | "not-authorized"
  | "limit"
  | "other";

export class BridgeFigures {
  connectionsAccepted = 0;
  readonly messages: [qos0: number, qos1: number, qos2: number] = [0, 0, 0];
  /** Of `messages`, those that took the express lane. */
  express = 0;
  payloadBytes = 0;
  /** Messages whose flush was waited for and that went on to be acknowledged (QoS 1 and 2). */
  readonly acknowledged: [qos0: number, qos1: number, qos2: number] = [0, 0, 0];
  qos2Duplicates = 0;
  routeFallbacks = 0;
  deviceTimesMissing = 0;
  notLogged = 0;
  wills = 0;
  queueDropped = 0;
  queueExpired = 0;
  retainedRefused = 0;
  /** Messages sent to subscribers. */
  delivered = 0;
  readonly #refused = new Map<RefusalReason, number>();

  refuse(reason: RefusalReason): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  refused(reason: RefusalReason): number {
    return this.#refused.get(reason) ?? 0;
  }

  samples(): MetricSample[] {
    const samples = [
      counter("connections_total", "MQTT connections accepted.", this.connectionsAccepted),
      counter("express_messages_total", "Messages that took the express lane.", this.express),
      counter("payload_bytes_total", "Bytes of payload received.", this.payloadBytes),
      counter("qos2_duplicates_total", "QoS 2 messages that came again.", this.qos2Duplicates),
      counter(
        "route_fallbacks_total",
        "Messages whose route gave no valid log topic and that the default route took.",
        this.routeFallbacks,
      ),
      counter(
        "device_times_missing_total",
        "Messages without the device time that their route asks for.",
        this.deviceTimesMissing,
      ),
      counter("not_logged_total", "Messages that a route keeps out of the log.", this.notLogged),
      counter("wills_total", "Wills published.", this.wills),
      counter("delivered_total", "Messages sent to MQTT subscribers.", this.delivered),
      counter(
        "queue_dropped_total",
        "Messages that a subscriber did not get, as too many waited for it.",
        this.queueDropped,
      ),
      counter(
        "queue_expired_total",
        "Messages that expired before their subscriber came for them.",
        this.queueExpired,
      ),
      counter(
        "retained_refused_total",
        "Messages not retained because the store of retained messages is full.",
        this.retainedRefused,
      ),
    ];
    for (const [qos, value] of this.messages.entries()) {
      samples.push(counter("messages_total", "Messages received.", value, { qos: String(qos) }));
    }
    for (const qos of [1, 2] as const) {
      const help = "Messages acknowledged after their flush.";
      const value = this.acknowledged[qos];
      samples.push(counter("acknowledged_total", help, value, { qos: String(qos) }));
    }
    for (const [reason, value] of this.#refused) {
      const help = "Messages and connections refused.";
      samples.push(counter("refused_total", help, value, { reason }));
    }
    return samples;
  }
}

export function gauge(name: string, help: string, value: number): MetricSample {
  return { name: `tributary_mqtt_${name}`, help, type: "gauge", value };
}

function counter(
  name: string,
  help: string,
  value: number,
  labels?: Readonly<Record<string, string>>,
): MetricSample {
  const sample = { name: `tributary_mqtt_${name}`, help, type: "counter", value } as const;
  return labels === undefined ? sample : { ...sample, labels };
}
