/** What the composition root starts, watches and stops: one listener or one worker of the gateway. */
export interface Service {
  /** Where it listens, with the port that was given when 0 was asked for; undefined for a worker. */
  readonly address: ListenAddress | undefined;
  /** Its figures now. Names follow Prometheus (`tributary_mqtt_messages_total`), units last. */
  metrics(): readonly MetricSample[];
  /** Takes no more work, finishes what it has, lets go of sockets and timers. */
  close(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface MetricSample {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}
