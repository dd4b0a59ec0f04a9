/** What the loads of the MQTT benches are told, and what they answer, as JSON between processes. */

export interface BlastOptions {
  readonly connections: number;
  /** Unacknowledged messages a connection keeps on the way. */
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  readonly qos: 0 | 1;
  /** All connections together; 0 = as fast as acknowledged. */
  readonly ratePerSecond: number;
  /** 4 = MQTT 3.1.1 (the default), 5. */
  readonly protocol?: 4 | 5;
  /** Names the topic once, then by an alias (MQTT 5). */
  readonly topicAlias?: boolean;
}

export interface BlastResult {
  /** Of the measured time, without its warm-up. */
  readonly messages: number;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the whole load: what was sent, and of it what the server acknowledged. */
  readonly sent: number;
  readonly acknowledged: number;
  /** What a connection had on the way, where the server allows less than was asked for. */
  readonly inFlight: number;
}

export interface FanOptions {
  readonly publishers: number;
  readonly subscribers: number;
  /** Published messages that not every subscriber has yet. */
  readonly window: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  readonly qos: 0 | 1;
}

export interface FanResult {
  readonly deliveries: number;
  readonly seconds: number;
  /** Deliveries a second, all subscribers together. */
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly sent: number;
}
