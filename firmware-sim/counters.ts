import { LatencyHistogram } from "./latency-histogram.ts";

/**
 * The fleet's books, which the gateway's are held against. Every link of the fleet adds to the same
 * ones; only links write. Messages are counted once however often they are sent.
 */
export interface Counters {
  /** Distinct data messages handed to a link. */
  published: number;
  /** Of those, how many the broker acknowledged (QoS 0: that left for the socket). */
  acknowledged: number;
  /** QoS 0 messages that a broken link took with it: gone, as QoS 0 allows. */
  lost: number;
  /** Messages sent again after their acknowledgement: each is certainly in the broker twice. */
  duplicates: number;
  duplicatesAcknowledged: number;
  /** Unacknowledged data messages sent again with DUP after a reconnect: the broker may have had them. */
  resent: number;
  /** Retained `online` and `offline` messages that devices sent themselves. */
  statuses: number;
  statusesAcknowledged: number;
  /** Links cut with a will on them: the broker publishes one `offline` for each. */
  cuts: number;
  connects: number;
  reconnects: number;
  connected: number;
  /** Messages sent and not yet acknowledged, of every sort. */
  inFlight: number;
  payloadBytes: number;
  readonly ackLatency: LatencyHistogram;
}

export function emptyCounters(): Counters {
  return {
    published: 0,
    acknowledged: 0,
    lost: 0,
    duplicates: 0,
    duplicatesAcknowledged: 0,
    resent: 0,
    statuses: 0,
    statusesAcknowledged: 0,
    cuts: 0,
    connects: 0,
    reconnects: 0,
    connected: 0,
    inFlight: 0,
    payloadBytes: 0,
    ackLatency: new LatencyHistogram(),
  };
}
