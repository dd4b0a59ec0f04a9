/** What one link has counted since it started, and how it stands now. */
import type { MetricSample } from "../../src/base/service.ts";
import type { RemoteFailure } from "./remote-failure.ts";

/** Why a message went no further; of one that came in it is acknowledged all the same. */
export type DropReason =
  | "loop"
  | "unmatched"
  | "record-too-large"
  | "topic-invalid"
  | "packet-too-large"
  | "remote-refused";

export class LinkFigures {
  readonly #link: string;
  connected = false;
  connects = 0;
  failedConnects = 0;
  /** What the link suffers from now. */
  problem: RemoteFailure | undefined;
  received = 0;
  receivedAcknowledged = 0;
  /** QoS 2 messages that came again. */
  duplicates = 0;
  /** QoS 2 messages under an identifier that the remote still used for another. */
  identifiersReused = 0;
  sent = 0;
  sentAcknowledged = 0;
  /** Records that retention took, or damage, before they were sent. */
  gapRecords = 0;
  subscriptionsRefused = 0;
  readonly #dropped = { in: new Map<DropReason, number>(), out: new Map<DropReason, number>() };

  constructor(link: string) {
    this.#link = link;
  }

  drop(direction: "in" | "out", reason: DropReason): void {
    const dropped = this.#dropped[direction];
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  }

  dropped(direction: "in" | "out", reason: DropReason): number {
    return this.#dropped[direction].get(reason) ?? 0;
  }

  samples(now: { readonly lagRecords: number; readonly unflushed: number }): MetricSample[] {
    const labels = { link: this.#link };
    const sample = (type: MetricSample["type"]) => (name: string, help: string, value: number) => ({
      ...{ name: `tributary_link_${name}`, help, type, value, labels },
    });
    const gauge = sample("gauge");
    const counter = sample("counter");
    return [
      gauge("connected", "1 while the remote broker is connected, else 0.", Number(this.connected)),
      counter("reconnects_total", "Connections made again.", Math.max(0, this.connects - 1)),
      counter("connect_failures_total", "Attempts to connect that failed.", this.failedConnects),
      counter("received_total", "Messages that came from the remote.", this.received),
      counter(
        "received_acknowledged_total",
        "Messages acknowledged to the remote, after their flush.",
        this.receivedAcknowledged,
      ),
      gauge(
        "received_unflushed",
        "Messages of the remote that wait for their flush.",
        now.unflushed,
      ),
      counter("duplicates_suppressed_total", "QoS 2 messages that came again.", this.duplicates),
      counter(
        "identifiers_reused_total",
        "QoS 2 messages under an identifier that the remote still used for another.",
        this.identifiersReused,
      ),
      counter("sent_total", "Messages sent to the remote.", this.sent),
      counter("sent_acknowledged_total", "Messages the remote has.", this.sentAcknowledged),
      gauge("lag_records", "Records that the remote has still to get.", now.lagRecords),
      counter(
        "gap_records_total",
        "Records that were gone, or damaged, before they were sent.",
        this.gapRecords,
      ),
      counter(
        "subscriptions_refused_total",
        "Subscriptions that the remote refused.",
        this.subscriptionsRefused,
      ),
      ...this.#droppedSamples(),
      ...this.#problemSamples(),
    ];
  }

  #droppedSamples(): MetricSample[] {
    const name = "tributary_link_dropped_total";
    const help = "Messages that went no further, by direction and reason.";
    return (["in", "out"] as const).flatMap((direction) =>
      [...this.#dropped[direction]].map(([reason, value]) => {
        const labels = { link: this.#link, direction, reason };
        return { name, help, type: "counter" as const, value, labels };
      }),
    );
  }

  #problemSamples(): MetricSample[] {
    if (this.problem === undefined) return [];
    const help = "1 for the problem that a link has now.";
    const labels = { link: this.#link, reason: this.problem.reason };
    return [{ name: "tributary_link_problem", help, type: "gauge", value: 1, labels }];
  }
}
