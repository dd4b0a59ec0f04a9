/**
 * The Kafka server: its listeners, and what the connections that come by them share. Owns the set of
 * connections; each of those owns itself.
 */
import { randomInt } from "node:crypto";
import type { Access } from "../access/contract.ts";
import { openForAll } from "../access/open-for-all.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ListenAddress, MetricSample, Service } from "../base/service.ts";
import type { Timers } from "../base/timers.ts";
import { Turnstile } from "../base/turnstile.ts";
import { ConnectionLimit } from "../listeners/connection-limit.ts";
import { openListener } from "../listeners/open-listener.ts";
import type { Log } from "../log/contract.ts";
import { DEFAULT_LOG_OPTIONS } from "../log/options.ts";
import { AclStore } from "./acls/acl-store.ts";
import type { KafkaBroker } from "./api.ts";
import { KAFKA_APIS } from "./apis.ts";
import { type ConnectionHost, KafkaConnection } from "./connection.ts";
import { ConnectionMemory } from "./connection-memory.ts";
import { FetchBuffers } from "./fetch/fetch-buffers.ts";
import { fetchMetrics } from "./fetch/fetch-metrics.ts";
import { FetchSessions } from "./fetch/fetch-sessions.ts";
import { FetchesUnderWay } from "./fetch/fetches-under-way.ts";
import { GroupCoordinator } from "./groups/coordinator.ts";
import type { GroupLimits } from "./groups/limits.ts";
import { KafkaTraffic } from "./kafka-traffic.ts";
import { LargeChecks } from "./large-checks.ts";
import { DEFAULT_KAFKA_LIMITS, type KafkaLimits } from "./limits.ts";
import {
  KAFKA_PROTOCOL,
  type KafkaClient,
  type KafkaListener,
  type KafkaListenerConfig,
  plainKafkaListener,
} from "./listeners/listener-config.ts";
import { ProducerIds } from "./producer-ids.ts";
import { ProducerRegistry } from "./producers.ts";
import { ClientQuotas } from "./quotas/client-quotas.ts";
import { QuotaStore } from "./quotas/quota-store.ts";
import { ReaderPace } from "./quotas/reader-pace.ts";
import { KafkaRefusals } from "./refusals.ts";
import { RequestBuffers } from "./request-buffers.ts";
import { ScramUserStore } from "./scram/scram-user-store.ts";
import { TransactionCoordinator } from "./transactions/coordinator.ts";
import type { TransactionLimits } from "./transactions/limits.ts";
import { TurnBudget } from "./turn-budget.ts";

export interface KafkaServerOptions {
  readonly log: Log;
  /** Who is let in; by default, everybody. */
  readonly access?: Access;
  /** Where clients come in, in the order of opening. */
  readonly listeners?: readonly KafkaListenerConfig[];
  /** In place of `listeners`: one plain listener, called `kafka`. */
  readonly listen?: ListenAddress;
  /** Where its clients are told to connect; by default, the address that each of them came to. */
  readonly advertised?: ListenAddress | undefined;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Partitions of a topic that is created without saying how many; 4 by default. */
  readonly defaultPartitions?: number;
  /** Whether asking for an unknown topic's metadata creates it; true by default. */
  readonly autoCreateTopics?: boolean;
  /** What clients are told of where the log is kept; `data` by default. */
  readonly logDirectory?: string;
  /** How large a segment of the log grows, for those who ask. */
  readonly segmentBytes?: number;
  /** Those that transactions time out by; the system's by default. */
  readonly timers?: Timers;
  readonly limits?: Partial<KafkaLimits>;
  readonly groupLimits?: Partial<GroupLimits>;
  readonly transactionLimits?: Partial<TransactionLimits>;
}

const DEFAULT_PARTITIONS = 4;
const DEFAULT_LOG_DIRECTORY = "data";
const SESSION_ID_MAX = 0x7fff_ffff;
const NO_ACLS_YET =
  "ACLs are in force for Kafka clients, and there is none: only kafka.superUsers of the access file may do anything";

export interface KafkaServer extends Service {
  /** Where it listens, by the listeners' names. */
  readonly listeners: ReadonlyMap<string, ListenAddress>;
  /** Reads the listeners' certificates again. */
  reload(): Promise<void>;
}

/** @throws CONFIG_INVALID naming the key, ADDRESS_IN_USE */
export async function startKafkaServer(options: KafkaServerOptions): Promise<KafkaServer> {
  const server = new RunningServer(options);
  try {
    await server.start(listenersOf(options));
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class RunningServer implements KafkaServer {
  readonly #broker: KafkaBroker;
  readonly #host: ConnectionHost;
  readonly #open: KafkaListener[] = [];
  readonly #connections = new Set<KafkaConnection>();

  constructor(options: KafkaServerOptions) {
    const { clock, logger } = options;
    this.#broker = brokerOf(options);
    this.#host = {
      broker: this.#broker,
      apis: new Map(KAFKA_APIS.map((api) => [api.key, api])),
      traffic: new KafkaTraffic(),
      refusals: new KafkaRefusals(logger, clock),
    };
  }

  /** The first listener's. */
  get address(): ListenAddress | undefined {
    return this.#open[0]?.address;
  }

  get listeners(): ReadonlyMap<string, ListenAddress> {
    return new Map(this.#open.map(({ settings, address }) => [settings.name, address]));
  }

  async start(listeners: readonly KafkaListenerConfig[]): Promise<void> {
    const { logger, limits, access, acls } = this.#broker;
    if (access.acls && acls.table.size === 0) logger.warn({}, NO_ACLS_YET);
    const parts = {
      logger,
      connections: new ConnectionLimit(limits.connectionsMax),
      protocol: KAFKA_PROTOCOL,
      refused: this.#host.refusals.turnedAway,
    };
    for (const config of listeners) {
      this.#open.push(await openListener(config, (arrived) => this.#accept(arrived), parts));
    }
  }

  metrics(): readonly MetricSample[] {
    const connections = this.#open.map(({ settings: { name }, connectionCount }) => ({
      name: "tributary_kafka_listener_connections",
      help: "Connections of a listener.",
      type: "gauge" as const,
      value: connectionCount,
      labels: { listener: name },
    }));
    return [
      ...this.#host.traffic.metrics(),
      ...this.#host.refusals.metrics(),
      ...connections,
      {
        name: "tributary_kafka_idempotent_producers",
        help: "Pairs of idempotent producer and partition that are remembered.",
        type: "gauge",
        value: this.#broker.producers.size,
      },
      {
        name: "tributary_kafka_idempotent_producer_bytes",
        help: "What they take of the log's small state.",
        type: "gauge",
        value: this.#broker.producers.bytes,
      },
      {
        name: "tributary_kafka_idempotent_producers_evicted_total",
        help: "Forgotten before their time: they are told so, and begin anew.",
        type: "counter",
        value: this.#broker.producers.evictions,
      },
      {
        name: "tributary_kafka_acls",
        help: "Access control entries.",
        type: "gauge",
        value: this.#broker.acls.table.size,
      },
      {
        name: "tributary_kafka_scram_users",
        help: "Users made by Kafka's tools, who log in by SCRAM.",
        type: "gauge",
        value: this.#broker.scramUsers.size,
      },
      ...fetchMetrics(this.#broker),
      ...this.#broker.memory.metrics(),
      ...this.#broker.requestBuffers.metrics(),
      ...this.#broker.quotas.metrics(),
      ...this.#broker.groups.metrics(),
      ...this.#broker.transactions.metrics(),
    ];
  }

  async reload(): Promise<void> {
    await Promise.all(this.#open.map((listener) => listener.reload()));
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.#open.map((listener) => listener.close()));
    this.#broker.groups.close();
    this.#broker.transactions.close();
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, this.#broker.limits.closeMsMax);
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await closed;
    clearTimeout(timer);
  }

  #accept(arrived: KafkaClient): void {
    const { traffic } = this.#host;
    const connection = new KafkaConnection(arrived, this.#host);
    this.#connections.add(connection);
    traffic.connections += 1;
    arrived.stream.on("close", () => {
      this.#connections.delete(connection);
      traffic.connections -= 1;
    });
  }
}

function listenersOf({ listeners, listen, advertised }: KafkaServerOptions) {
  return listeners ?? (listen === undefined ? [] : [plainKafkaListener(listen, advertised)]);
}

function brokerOf(options: KafkaServerOptions): KafkaBroker {
  const { log, clock, logger, timers, groupLimits, transactionLimits } = options;
  const limits = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
  const groups = new GroupCoordinator({
    log,
    clock,
    logger,
    ...(groupLimits && { limits: groupLimits }),
    ...(timers && { timers }),
  });
  const producerIds = new ProducerIds(log);
  const memory = new ConnectionMemory(limits, clock);
  const access = options.access ?? openForAll;
  return {
    log,
    access,
    acls: new AclStore(log.keyValues("kafka-acls"), limits.aclsMax),
    scramUsers: new ScramUserStore(log.keyValues("kafka-scram-users"), access.scramUsers, limits),
    quotas: new ClientQuotas({
      store: new QuotaStore(log.keyValues("kafka-quotas"), limits.quotasMax),
      clock,
      logger,
      limits,
    }),
    readerPace: new ReaderPace(log, clock, limits.readSliceBytes),
    clock,
    logger,
    nodeId: options.nodeId,
    clusterId: options.clusterId,
    limits,
    defaultPartitions: options.defaultPartitions ?? DEFAULT_PARTITIONS,
    autoCreateTopics: options.autoCreateTopics ?? true,
    logDirectory: options.logDirectory ?? DEFAULT_LOG_DIRECTORY,
    segmentBytes: options.segmentBytes ?? DEFAULT_LOG_OPTIONS.segmentBytes,
    timeSearches: new Turnstile(limits.timeSearchesMax),
    fetchSessions: new FetchSessions(limits, clock, () => randomInt(1, SESSION_ID_MAX)),
    fetchesUnderWay: new FetchesUnderWay(limits),
    fetchBuffers: new FetchBuffers(limits, () => memory.cutStalled()),
    memory,
    requestBuffers: new RequestBuffers(limits.requestsIdleBytesMax),
    checks: new TurnBudget(clock, limits.checksMsMax),
    largeChecks: new LargeChecks(),
    groups,
    transactions: new TransactionCoordinator({
      log,
      clock,
      logger,
      groups,
      producerIds,
      ...(transactionLimits && { limits: transactionLimits }),
      ...(timers && { timers }),
    }),
    producers: new ProducerRegistry(log, clock, limits),
    producerIds,
    apis: KAFKA_APIS,
  };
}
