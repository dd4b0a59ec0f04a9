/**
 * The MQTT engine: everything between a client's byte stream and the log. This file puts its parts
 * together; each part's own file says what it owns. Listeners and links stand around it.
 */
import { openForAll } from "../src/access/open-for-all.ts";
import { messageOf } from "../src/base/errors.ts";
import type { MetricSample } from "../src/base/service.ts";
import { BridgeFigures, gauge } from "./bridge-figures.ts";
import { type MqttBridgeOptions, withDefaultLimits } from "./bridge-options.ts";
import { PayloadCodings } from "./coding/payload-codings.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionParts } from "./connection/connection-parts.ts";
import { GatheringBudget } from "./connection/gathering.ts";
import { Pressure } from "./connection/pressure.ts";
import { FanOut } from "./delivery/fan-out.ts";
import { Destinations } from "./ingest/destinations.ts";
import { Lanes } from "./ingest/lanes.ts";
import { LocalLine } from "./ingest/local-line.ts";
import { LogInlet } from "./ingest/log-inlet.ts";
import { Publishing } from "./ingest/publishing.ts";
import type { Arrived } from "./listeners/contract.ts";
import { ReasonCode } from "./packets/reason-codes.ts";
import { ReceivedIds } from "./qos2/received-ids.ts";
import { RateLimitedWarnings } from "./rate-limited-warnings.ts";
import { Refusals } from "./refusals.ts";
import { DEFAULT_ROUTE } from "./routes/route-config.ts";
import { RouteTable } from "./routes/route-table.ts";
import { Doorway } from "./session/doorway.ts";
import { QueueStore } from "./session/queue-store.ts";
import { Requests } from "./session/requests.ts";
import { RetainedDelivery } from "./session/retained-delivery.ts";
import { RetainedStore } from "./session/retained-store.ts";
import { Rights } from "./session/rights.ts";
import { SessionDirectory } from "./session/session-directory.ts";
import { SessionStore } from "./session/session-store.ts";
import { SubscriberMemory } from "./session/subscriber-memory.ts";
import { WillStore } from "./session/will-store.ts";
import { Wills } from "./session/wills.ts";

const SWEEP_INTERVAL_MS = 250;

export class MqttEngine {
  readonly #options: MqttBridgeOptions;
  readonly #figures = new BridgeFigures();
  readonly #warnings: RateLimitedWarnings;
  readonly refusals: Refusals;
  readonly #codings: PayloadCodings;
  readonly #lanes: Lanes;
  readonly #pressure: Pressure;
  readonly #receivedIds: ReceivedIds;
  readonly #queues: QueueStore;
  readonly #retained: RetainedStore;
  readonly #sessions: SessionStore;
  readonly #willStore: WillStore;
  readonly #subscriberMemory: SubscriberMemory;
  readonly #directory: SessionDirectory;
  readonly #wills: Wills;
  readonly #doorway: Doorway;
  readonly #rights: Rights;
  /** The way in for messages that no client sends. */
  readonly local: LocalLine;
  readonly #connectionParts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  #sweeping: NodeJS.Timeout | undefined;

  /** @throws CONFIG_INVALID naming the key of a route */
  constructor(options: MqttBridgeOptions) {
    const limits = withDefaultLimits(options);
    const { log, clock, logger, gateway, routes = [], defaultRoute = DEFAULT_ROUTE } = options;
    const { access = openForAll } = options;
    const figures = this.#figures;
    const store = log.keyValues("mqtt-sessions");
    this.#options = options;
    this.#warnings = new RateLimitedWarnings(logger, clock, limits.warnIntervalMs);
    this.refusals = new Refusals(this.#warnings, figures);
    this.#codings = new PayloadCodings({
      store: () => log.keyValues("sparkplug"),
      warnings: this.#warnings,
    });
    const codingOf = this.#codings.of.bind(this.#codings);
    const { defaultPartitions } = options;
    const table = new RouteTable(routes, defaultRoute, gateway, defaultPartitions, codingOf);
    this.#lanes = new Lanes({ log, routes: table, ...limits });
    this.#pressure = new Pressure(limits);
    this.#receivedIds = new ReceivedIds(log, limits);
    const events = this.#storeEvents();
    this.#queues = new QueueStore({ store, limits, events, clock });
    this.#retained = new RetainedStore({ store, limits, events, clock });
    this.#sessions = new SessionStore({ store, limits });
    this.#willStore = new WillStore(store);
    this.#subscriberMemory = new SubscriberMemory(limits.subscriberBuffersBytesMax);
    const queues = this.#queues;
    const receivedIds = this.#receivedIds;
    this.#directory = new SessionDirectory({
      store: this.#sessions,
      queues,
      receivedIds,
      session: { queues, limits, memory: this.#subscriberMemory, clock, figures, ...events },
      limits,
      clock,
      ended: (clientId) => this.#wills.sessionEnded(clientId),
      failed: events.failed,
    });
    const directory = this.#directory;
    const { subscriptions } = directory;
    const fanOut = new FanOut({ queues, retained: this.#retained });
    const intake = { pressure: this.#pressure, figures, fanOut };
    const inlet = new LogInlet({ log, lanes: this.#lanes, clock, figures });
    this.local = new LocalLine({ ...intake, inlet, subscriptions });
    this.#wills = new Wills({
      store: this.#willStore,
      publisher: this.local,
      clock,
      graceMs: limits.willGraceMs,
      bytesMax: limits.willBytesMax,
      published: () => {
        figures.wills += 1;
      },
      failed: (clientId, error) => this.refusals.refused({ clientId, remote: undefined }, error),
    });
    const wills = this.#wills;
    this.#rights = new Rights({ access, directory });
    const rights = this.#rights;
    this.#doorway = new Doorway({
      access,
      directory,
      rights,
      wills,
      limits,
      failed: events.failed,
    });
    const retained = new RetainedDelivery({ retained: this.#retained, queues });
    const requests = new Requests({ directory, receivedIds, retained, limits });
    const destinations = new Destinations(this.#lanes, subscriptions, access);
    this.#connectionParts = {
      limits,
      clock,
      figures,
      refusals: this.refusals,
      pressure: this.#pressure,
      gathering: new GatheringBudget(limits.partialPacketBytesMax, clock),
      express: { log, destinations, figures, clock },
      intake,
      publishing: new Publishing({ inlet, receivedIds, subscriptions, figures, clock }),
      handler: {
        enter: (connection, packet) => this.#doorway.enter(connection, packet),
        handle: (connection, packet) => requests.handle(connection, packet),
        left: (connection, how) => this.#doorway.left(connection, how),
        closed: (connection) => this.#connections.delete(connection),
      },
    };
  }

  /** Resolves when connections may come. */
  async start(): Promise<void> {
    await this.#lanes.createNamedTopics();
    await this.#queues.clearOthers(this.#directory.clientIds());
    this.#rights.follow(() => this.#doorway.connections.values());
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  accept(arrived: Arrived): void {
    this.#figures.connectionsAccepted += 1;
    this.#connections.add(new Connection(arrived, this.#connectionParts));
  }

  metrics(): readonly MetricSample[] {
    const queues = this.#queues;
    const { subscriptions, persistentCount } = this.#directory;
    return [
      ...this.#figures.samples(),
      ...this.#codings.samples(),
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
      gauge("sessions", "Sessions that outlive their connection.", persistentCount),
      gauge("subscriptions", "Subscriptions.", subscriptions.count),
      gauge(
        "subscriber_buffer_bytes",
        "Bytes that wait in memory for subscribers.",
        this.#subscriberMemory.bytes,
      ),
      gauge("subscription_bytes", "Memory that subscriptions take, roughly.", subscriptions.bytes),
      gauge("will_bytes", "Bytes of the wills that are kept.", this.#wills.bytes),
      gauge("queued_messages", "Messages queued for persistent sessions.", queues.count),
      gauge("queued_bytes", "Bytes queued for persistent sessions.", queues.bytes),
      gauge("retained_messages", "Retained messages.", this.#retained.count),
    ];
  }

  /** Reads no more, acknowledges what it has taken, then lets the clients go. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    this.#rights.close();
    this.#doorway.close();
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
    while (!this.local.idle) await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.dismiss(ReasonCode.serverShuttingDown);
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.destroy();
    const stores = [this.#queues, this.#retained, this.#sessions, this.#willStore];
    await Promise.all([...stores.map((store) => store.close()), this.#codings.idle()]);
  }

  #sweep(): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.nowMs();
    let socketBytes = 0;
    for (const connection of this.#connections) {
      connection.sweep(nowMs, wallMs);
      socketBytes += connection.waitingBytes;
    }
    this.#subscriberMemory.socketBytes = socketBytes;
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
