/**
 * The MQTT bridge: devices publish here, and what they publish is in the log before they are told
 * so. This file puts the parts together; each part's own file says what it owns.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes, type Client } from "aedes";
import { messageOf, TributaryError } from "../src/base/errors.ts";
import type { ListenAddress, MetricSample, Service } from "../src/base/service.ts";
import { BridgeFigures, gauge } from "./bridge-figures.ts";
import { type BridgeLimits, type MqttBridgeOptions, withDefaultLimits } from "./bridge-options.ts";
import { FrameScanner } from "./connection/frame-scanner.ts";
import { GuardedSocket } from "./connection/guarded-socket.ts";
import { Pressure } from "./connection/pressure.ts";
import { SessionRules } from "./connection/session-rules.ts";
import { Audience } from "./delivery/audience.ts";
import { DeliveryGuard } from "./delivery/delivery-guard.ts";
import { createFanOut, type FanOut } from "./delivery/fan-out.ts";
import type { ExpressLaneParts } from "./ingest/express-lane.ts";
import { ExpressTopics } from "./ingest/express-topics.ts";
import { IngestLine } from "./ingest/ingest-line.ts";
import { Lanes } from "./ingest/lanes.ts";
import { PublishGate } from "./ingest/publish-gate.ts";
import { ReceivedIds } from "./qos2/received-ids.ts";
import { RateLimitedWarnings } from "./rate-limited-warnings.ts";
import { Refusal, Refusals } from "./refusals.ts";
import { DEFAULT_ROUTE } from "./routes/route-config.ts";
import { RouteTable } from "./routes/route-table.ts";
import { TOPIC_LEVELS_MAX } from "./routes/topic-filter.ts";
import { LogPersistence } from "./session/log-persistence.ts";

/** aedes looks for the wills of brokers that are gone every four heartbeats. */
const HEARTBEATS_PER_WILL_CHECK = 4;

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
  readonly #limits: BridgeLimits;
  readonly #figures = new BridgeFigures();
  readonly #refusals: Refusals;
  readonly #lanes: Lanes;
  readonly #line: IngestLine;
  readonly #pressure: Pressure;
  readonly #receivedIds: ReceivedIds;
  readonly #persistence: LogPersistence;
  readonly #gate: PublishGate;
  readonly #fanOut: FanOut = createFanOut();
  readonly #express: ExpressLaneParts;
  readonly #delivery: DeliveryGuard;
  readonly #rules: SessionRules;
  readonly #guards = new Map<Socket, GuardedSocket>();
  readonly #broker: Aedes;
  readonly #server: Server;
  #address: ListenAddress | undefined;

  constructor(options: MqttBridgeOptions) {
    const limits = withDefaultLimits(options);
    const { log, clock, logger, gateway, routes = [], defaultRoute = DEFAULT_ROUTE } = options;
    this.#options = options;
    this.#limits = limits;
    const warnings = new RateLimitedWarnings(logger, clock, limits.warnIntervalMs);
    const table = new RouteTable(routes, defaultRoute, gateway, options.defaultPartitions);
    const figures = this.#figures;
    this.#refusals = new Refusals(warnings, figures);
    this.#lanes = new Lanes({ log, routes: table, ...limits });
    this.#line = new IngestLine({ log, lanes: this.#lanes, clock, figures });
    this.#pressure = new Pressure(limits);
    this.#receivedIds = new ReceivedIds(log, limits);
    this.#persistence = new LogPersistence({
      store: log.keyValues("mqtt"),
      receivedIds: this.#receivedIds,
      limits,
      events: persistenceEvents(warnings, figures),
    });
    this.#gate = new PublishGate({
      line: this.#line,
      pressure: this.#pressure,
      receivedIds: this.#receivedIds,
      persistence: this.#persistence,
      figures,
      refusals: this.#refusals,
      loadOf: (client) => this.#guards.get(client.conn as Socket)?.load,
    });
    const audience = new Audience(this.#fanOut, this.#persistence.subscriptions);
    this.#express = {
      log,
      topics: new ExpressTopics(this.#lanes, audience),
      pressure: this.#pressure,
      figures,
      clock,
      packetBytesMax: limits.packetBytesMax,
    };
    this.#delivery = new DeliveryGuard(limits.subscriberBufferBytesMax);
    this.#rules = new SessionRules(limits);
    this.#broker = this.#createBroker();
    this.#gate.serve(this.#broker);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.on("drop", (dropped) => {
      const remote =
        dropped === undefined ? undefined : `${dropped.remoteAddress}:${dropped.remotePort}`;
      const message = `The gateway holds ${limits.connectionsMax} connections (limits.mqttConnectionsMax).`;
      this.#refusals.report(
        { clientId: undefined, remote },
        new Refusal("connections-full", message),
      );
    });
  }

  get address(): ListenAddress | undefined {
    return this.#address;
  }

  async start(): Promise<void> {
    await this.#lanes.createNamedTopics();
    await this.#broker.listen();
    try {
      this.#address = await listen(this.#server, this.#options.listen);
    } catch (error) {
      await this.#closeBroker();
      throw error;
    }
    this.#server.on("error", (error) => {
      this.#options.logger.error(
        { error: messageOf(error) },
        "MQTT connections cannot be accepted",
      );
    });
    this.#options.logger.info({ ...this.#address }, "MQTT is listening");
  }

  metrics(): readonly MetricSample[] {
    const { queues, retained, subscriptions } = this.#persistence;
    return [
      ...this.#figures.samples(),
      gauge("connections", "MQTT connections now.", this.#guards.size),
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
      gauge("sessions", "Persistent sessions with a subscription.", subscriptions.sessionCount),
      gauge("queued_messages", "Messages queued for persistent sessions.", queues.count),
      gauge("queued_bytes", "Bytes queued for persistent sessions.", queues.bytes),
      gauge("retained_messages", "Retained messages.", retained.count),
    ];
  }

  /** Reads no more, acknowledges what it has taken, then lets the clients go. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const guard of this.#guards.values()) guard.stop();
    await Promise.all([...this.#guards.values()].map((guard) => guard.drained()));
    await this.#line.idle();
    // aedes writes a PUBACK in the turn after it has been told that it may.
    await new Promise((resolve) => setImmediate(resolve));
    this.#gate.close();
    this.#persistence.seal();
    for (const { socket } of this.#guards.values()) socket.end();
    await this.#closeBroker();
    for (const { socket } of this.#guards.values()) socket.destroy();
    await closed;
    await this.#line.idle();
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    this.#figures.connectionsAccepted += 1;
    const guard = new GuardedSocket(socket, {
      scanner: new FrameScanner(this.#limits.packetBytesMax),
      pressure: this.#pressure,
      express: this.#express,
      alive: keepAlive,
      congested: waitForDrain,
    });
    this.#guards.set(socket, guard);
    socket.once("close", () => this.#guards.delete(socket));
    this.#broker.handle(socket);
  }

  #createBroker(): Aedes {
    const limits = this.#limits;
    const broker = new Aedes({
      mq: this.#fanOut,
      persistence: this.#persistence,
      connectTimeout: limits.connectTimeoutMs,
      drainTimeout: limits.subscriberDrainMs,
      heartbeatInterval: Math.ceil(limits.willGraceMs / HEARTBEATS_PER_WILL_CHECK),
      // The ingest keeps this window itself, ahead of the append.
      maxInflightInbound: 0,
      maxTopicLevels: TOPIC_LEVELS_MAX,
      preConnect: (client, packet, done) => this.#rules.connecting(client, packet, done),
      authenticate: (client, _username, _password, done) => this.#rules.authenticate(client, done),
      authorizePublish: (client, packet, done) => this.#gate.publish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const refusal = this.#rules.subscribeComplaint(client, subscription.topic);
        done(refusal ?? null, refusal === undefined ? subscription : null);
      },
      authorizeForward: (client, packet) => this.#delivery.forward(client, packet),
    });
    broker.on("client", (client) => this.#delivery.adopt(client, broker.id));
    // aedes hands over what it has kept for the session right after this event.
    broker.on("clientReady", (client) => {
      setImmediate(() => this.#guards.get(client.conn as Socket)?.sessionStands());
    });
    broker.on("connackSent", (_, client) => this.#guards.get(client.conn as Socket)?.answered());
    const report = (client: Client, error: Error) => this.#report(client, error);
    broker.on("clientError", report);
    broker.on("connectionError", report);
    (broker as NodeJS.EventEmitter).on("error", (error: unknown) => {
      this.#options.logger.error({ error: messageOf(error) }, "the MQTT session engine failed");
    });
    return broker;
  }

  #report(client: Client, error: unknown): void {
    const remote = this.#guards.get(client.conn as Socket)?.remote;
    this.#refusals.report({ clientId: client.id ?? undefined, remote }, error);
  }

  async #closeBroker(): Promise<void> {
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
  }
}

/** What aedes hangs on a connection, and does not declare. */
interface ServedSocket extends Socket {
  readonly client?: {
    readonly _keepaliveInterval: number;
    readonly _keepaliveTimer: NodeJS.Timeout | null;
    waitForDrain(done: () => void): void;
  };
}

/** What aedes does for each packet that it sees: the device has been heard of. */
function keepAlive({ client }: ServedSocket): void {
  if (client !== undefined && client._keepaliveInterval > 0) client._keepaliveTimer?.refresh();
}

/** What aedes does where it writes: a client that does not read is disconnected after a while. */
function waitForDrain({ client }: ServedSocket, done: () => void): void {
  client?.waitForDrain(done);
}

function persistenceEvents(warnings: RateLimitedWarnings, figures: BridgeFigures) {
  return {
    dropped(clientId: string): void {
      figures.queueDropped += 1;
      const message = "a message was dropped from an absent subscriber's full queue";
      warnings.warn("queue-dropped", { clientId }, message);
    },
    failed(error: unknown): void {
      const message = "what an MQTT subscriber has acknowledged could not be written down";
      warnings.warn("queue-failed", { error: messageOf(error) }, message);
    },
    retainedRefused(topic: string): void {
      figures.retainedRefused += 1;
      const message = "a message was not retained: the store of retained messages is full";
      warnings.warn("retained-full", { topic }, message);
    },
  };
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
