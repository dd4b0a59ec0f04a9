/**
 * The MQTT bridge: devices publish here, and what they publish is in the log before they are told
 * so. This file puts the parts together; each part's own file says what it owns.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { openForAll } from "../src/access/open-for-all.ts";
import { messageOf, TributaryError } from "../src/base/errors.ts";
import type { ListenAddress, MetricSample, Service } from "../src/base/service.ts";
import { BridgeFigures, gauge } from "./bridge-figures.ts";
import { type MqttBridgeOptions, withDefaultLimits } from "./bridge-options.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionParts, Leaving } from "./connection/connection-parts.ts";
import { GatheringBudget } from "./connection/gathering.ts";
import { Pressure } from "./connection/pressure.ts";
import { FanOut } from "./delivery/fan-out.ts";
import { Destinations } from "./ingest/destinations.ts";
import { Lanes } from "./ingest/lanes.ts";
import { LocalLine } from "./ingest/local-line.ts";
import { LogInlet } from "./ingest/log-inlet.ts";
import { Publishing } from "./ingest/publishing.ts";
import { ReasonCode } from "./packets/reason-codes.ts";
import { ReceivedIds } from "./qos2/received-ids.ts";
import { RateLimitedWarnings } from "./rate-limited-warnings.ts";
import { ProtocolRefusal, Refusals } from "./refusals.ts";
import { DEFAULT_ROUTE } from "./routes/route-config.ts";
import { RouteTable } from "./routes/route-table.ts";
import { Doorway } from "./session/doorway.ts";
import { QueueStore } from "./session/queue-store.ts";
import { Requests } from "./session/requests.ts";
import { RetainedDelivery } from "./session/retained-delivery.ts";
import { RetainedStore } from "./session/retained-store.ts";
import { SessionDirectory } from "./session/session-directory.ts";
import { SessionStore } from "./session/session-store.ts";
import { WillStore } from "./session/will-store.ts";
import { Wills } from "./session/wills.ts";

const SWEEP_INTERVAL_MS = 250;

/**
 * Starts the bridge; resolves when it listens.
 * @throws CONFIG_INVALID naming the key of a route, ADDRESS_IN_USE
 */
export async function startMqttBridge(options: MqttBridgeOptions): Promise<Service> {
  const bridge = new MqttBridge(options);
  await bridge.start();
  return bridge;
}

class MqttBridge implements Service {
  readonly #options: MqttBridgeOptions;
  readonly #figures = new BridgeFigures();
  readonly #warnings: RateLimitedWarnings;
  readonly #refusals: Refusals;
  readonly #lanes: Lanes;
  readonly #pressure: Pressure;
  readonly #receivedIds: ReceivedIds;
  readonly #queues: QueueStore;
  readonly #retained: RetainedStore;
  readonly #sessions: SessionStore;
  readonly #willStore: WillStore;
  readonly #directory: SessionDirectory;
  readonly #wills: Wills;
  readonly #doorway: Doorway;
  readonly #local: LocalLine;
  readonly #connectionParts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  #sweeping: NodeJS.Timeout | undefined;
  #address: ListenAddress | undefined;

  constructor(options: MqttBridgeOptions) {
    const limits = withDefaultLimits(options);
    const { log, clock, logger, gateway, routes = [], defaultRoute = DEFAULT_ROUTE } = options;
    const { access = openForAll } = options;
    const figures = this.#figures;
    const store = log.keyValues("mqtt");
    this.#options = options;
    this.#warnings = new RateLimitedWarnings(logger, clock, limits.warnIntervalMs);
    this.#refusals = new Refusals(this.#warnings, figures);
    const table = new RouteTable(routes, defaultRoute, gateway, options.defaultPartitions);
    this.#lanes = new Lanes({ log, routes: table, ...limits });
    this.#pressure = new Pressure(limits);
    this.#receivedIds = new ReceivedIds(log, limits);
    const events = this.#storeEvents();
    this.#queues = new QueueStore({ store, limits, events, clock });
    this.#retained = new RetainedStore({ store, limits, events, clock });
    this.#sessions = new SessionStore({ store, limits });
    this.#willStore = new WillStore(store);
    const queues = this.#queues;
    const receivedIds = this.#receivedIds;
    this.#directory = new SessionDirectory({
      store: this.#sessions,
      queues,
      receivedIds,
      session: { queues, limits, clock, figures, ...events },
      limits,
      clock,
      ended: (clientId) => this.#wills.sessionEnded(clientId),
      failed: events.failed,
    });
    const { subscriptions } = this.#directory;
    const fanOut = new FanOut({ queues, retained: this.#retained });
    const intake = { pressure: this.#pressure, figures, fanOut };
    const inlet = new LogInlet({ log, lanes: this.#lanes, clock, figures });
    this.#local = new LocalLine({ ...intake, inlet, subscriptions });
    this.#wills = new Wills({
      store: this.#willStore,
      publisher: this.#local,
      clock,
      graceMs: limits.willGraceMs,
      published: () => {
        figures.wills += 1;
      },
      failed: (clientId, error) => this.#refusals.refused({ clientId, remote: undefined }, error),
    });
    const directory = this.#directory;
    const wills = this.#wills;
    this.#doorway = new Doorway({ access, directory, wills, limits, failed: events.failed });
    const retained = new RetainedDelivery({ retained: this.#retained, queues });
    const requests = new Requests({ directory, receivedIds, retained, limits });
    this.#connectionParts = {
      limits,
      clock,
      figures,
      refusals: this.#refusals,
      pressure: this.#pressure,
      gathering: new GatheringBudget(limits.partialPacketBytesMax),
      express: {
        log,
        destinations: new Destinations(this.#lanes, subscriptions, access),
        figures,
        clock,
      },
      intake,
      publishing: new Publishing({ inlet, receivedIds, subscriptions, figures, clock }),
      handler: {
        enter: (connection, packet) => this.#doorway.enter(connection, packet),
        handle: (connection, packet) => requests.handle(connection, packet),
        left: (connection, how) => this.#left(connection, how),
      },
    };
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.on("drop", (dropped) => {
      const remote =
        dropped === undefined ? undefined : `${dropped.remoteAddress}:${dropped.remotePort}`;
      const message = `The gateway holds ${limits.connectionsMax} connections (limits.mqttConnectionsMax).`;
      const refusal = new ProtocolRefusal("connections-full", ReasonCode.serverBusy, message);
      this.#refusals.disconnected({ clientId: undefined, remote }, refusal);
    });
  }

  get address(): ListenAddress | undefined {
    return this.#address;
  }

  async start(): Promise<void> {
    await this.#lanes.createNamedTopics();
    await this.#queues.clearOthers(this.#directory.clientIds());
    this.#address = await listen(this.#server, this.#options.listen);
    this.#server.on("error", (error) => {
      const fields = { error: messageOf(error) };
      this.#options.logger.error(fields, "MQTT connections cannot be accepted");
    });
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
    this.#options.logger.info({ ...this.#address }, "MQTT is listening");
  }

  metrics(): readonly MetricSample[] {
    const retained = this.#retained;
    const queues = this.#queues;
    return [
      ...this.#figures.samples(),
      gauge("connections", "MQTT connections now.", this.#connections.size),
      gauge(
        "connections_held",
        "Connections not read, as too much waits.",
        this.#pressure.heldCount,
      ),
      gauge(
        "pending_bytes",
        "Bytes that messages waiting for their flush take.",
        this.#pressure.pendingBytes,
      ),
      gauge("qos2_inflight", "QoS 2 messages waiting for their PUBREL.", this.#receivedIds.count),
      gauge("sessions", "Sessions that outlive their connection.", this.#directory.persistentCount),
      gauge("subscriptions", "Subscriptions.", this.#directory.subscriptions.count),
      gauge("queued_messages", "Messages queued for persistent sessions.", queues.count),
      gauge("queued_bytes", "Bytes queued for persistent sessions.", queues.bytes),
      gauge("retained_messages", "Retained messages.", retained.count),
    ];
  }

  /** Reads no more, acknowledges what it has taken, then lets the clients go. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#doorway.close();
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
    while (!this.#local.idle) await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.dismiss(ReasonCode.serverShuttingDown);
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
    const stores = [this.#queues, this.#retained, this.#sessions, this.#willStore];
    await Promise.all(stores.map((store) => store.close()));
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    this.#figures.connectionsAccepted += 1;
    const remote = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    const connection = new Connection(
      {
        stream: socket,
        listener: {
          name: "mqtt",
          certificateNames: undefined,
          limits: {
            connectionsMax: undefined,
            packetBytesMax: undefined,
            messagesPerSecondMax: undefined,
            inflightMax: undefined,
          },
        },
        remote,
        loopback: true,
        certificate: undefined,
      },
      this.#connectionParts,
    );
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }

  #left(connection: Connection, how: Leaving): void {
    this.#doorway.left(connection, how);
  }

  #sweep(): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.nowMs();
    for (const connection of this.#connections) connection.sweep(nowMs, wallMs);
    this.#wills.sweep(wallMs);
    this.#directory.sweep(wallMs);
  }

  #storeEvents() {
    const figures = this.#figures;
    const warnings = this.#warnings;
    return {
      dropped(clientId: string): void {
        figures.queueDropped += 1;
        const message = "a subscriber did not get a message: too much waits for it";
        warnings.warn("queue-dropped", { clientId }, message);
      },
      expired(_: string, count = 1): void {
        figures.queueExpired += count;
      },
      failed(error: unknown): void {
        const message = "what became of an MQTT session could not be written down";
        warnings.warn("queue-failed", { error: messageOf(error) }, message);
      },
      refused(topic: string): void {
        figures.retainedRefused += 1;
        const message = "a message was not retained: the store of retained messages is full";
        warnings.warn("retained-full", { topic }, message);
      },
    };
  }
}

async function listen(server: Server, { host, port }: ListenAddress): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return reject(error);
      return reject(
        new TributaryError(
          "ADDRESS_IN_USE",
          `${host}:${port} is taken by another program: choose another address with --mqtt.`,
          { cause: error },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  server.removeAllListeners("error");
  const address = server.address() as AddressInfo;
  return { host: address.address, port: address.port };
}
