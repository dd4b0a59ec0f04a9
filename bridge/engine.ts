/**
 * The MQTT engine: everything between a client's byte stream and the log. It runs what engine-parts.ts
 * puts together, and owns the connections; listeners and links stand around it.
 */
import type { MetricSample } from "../src/base/service.ts";
import { gauge } from "./bridge-figures.ts";
import type { MqttBridgeOptions } from "./bridge-options.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionParts } from "./connection/connection-parts.ts";
import { type EngineParts, engineParts } from "./engine-parts.ts";
import type { LocalLine } from "./ingest/local-line.ts";
import type { Arrived } from "./listeners/contract.ts";
import { ReasonCode } from "./packets/reason-codes.ts";
import type { Refusals } from "./refusals.ts";

const SWEEP_INTERVAL_MS = 250;

export class MqttEngine {
  readonly #options: MqttBridgeOptions;
  readonly #parts: EngineParts;
  readonly #connectionParts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  #sweeping: NodeJS.Timeout | undefined;

  /** @throws CONFIG_INVALID naming the key of a route */
  constructor(options: MqttBridgeOptions) {
    this.#options = options;
    this.#parts = engineParts(options);
    const { attended, doorway, requests, connection } = this.#parts;
    this.#connectionParts = {
      ...connection,
      handler: {
        enter: (connection, packet) =>
          attended.during(connection.arrived.stream, () => doorway.enter(connection, packet)),
        handle: (connection, packet) => requests.handle(connection, packet),
        left: (connection, how) => doorway.left(connection, how),
        closed: (connection) => this.#connections.delete(connection),
      },
    };
  }

  get refusals(): Refusals {
    return this.#parts.refusals;
  }

  /** The way in for messages that no client sends. */
  get local(): LocalLine {
    return this.#parts.local;
  }

  /** Resolves when connections may come. */
  async start(): Promise<void> {
    const { lanes, stores, directory, rights, doorway } = this.#parts;
    await lanes.createNamedTopics();
    await stores.queues.clearOthers(directory.clientIds());
    rights.follow(() => doorway.connections.values());
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  accept(arrived: Arrived): void {
    this.#parts.figures.connectionsAccepted += 1;
    this.#connections.add(new Connection(arrived, this.#connectionParts));
  }

  metrics(): readonly MetricSample[] {
    const { figures, codings, pressure, receivedIds, stores, memory, directory, wills } =
      this.#parts;
    const { queues, retained } = stores;
    const { subscriptions, persistentCount } = directory;
    return [
      ...figures.samples(),
      ...codings.samples(),
      gauge("connections", "MQTT connections now.", this.#connections.size),
      gauge("connections_held", "Connections not read, as too much waits.", pressure.heldCount),
      gauge(
        "pending_bytes",
        "Bytes that messages waiting for their flush take.",
        pressure.pendingBytes,
      ),
      gauge("qos2_inflight", "QoS 2 messages waiting for their PUBREL.", receivedIds.count),
      gauge("sessions", "Sessions that outlive their connection.", persistentCount),
      gauge("subscriptions", "Subscriptions.", subscriptions.count),
      gauge("subscriber_buffer_bytes", "Bytes that wait in memory for subscribers.", memory.bytes),
      gauge("subscription_bytes", "Memory that subscriptions take, roughly.", subscriptions.bytes),
      gauge("will_bytes", "Bytes of the wills that are kept.", wills.bytes),
      gauge("queued_messages", "Messages queued for persistent sessions.", queues.count),
      gauge("queued_bytes", "Bytes queued for persistent sessions.", queues.bytes),
      gauge("retained_messages", "Retained messages.", retained.count),
    ];
  }

  /** Reads no more, acknowledges what it has taken, then lets the clients go. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    const { rights, doorway, local, stores, codings } = this.#parts;
    rights.close();
    doorway.close();
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
    while (!local.idle) await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.dismiss(ReasonCode.serverShuttingDown);
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([stores.close(), codings.idle()]);
  }

  #sweep(): void {
    const { clock } = this.#options;
    const { memory, wills, directory } = this.#parts;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.nowMs();
    let socketBytes = 0;
    for (const connection of this.#connections) {
      connection.sweep(nowMs, wallMs);
      socketBytes += connection.waitingBytes;
    }
    memory.socketBytes = socketBytes;
    wills.sweep(wallMs);
    directory.sweep(wallMs);
  }
}
