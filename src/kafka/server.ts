/**
 * The Kafka listener: takes connections, up to a limit, and gives them what they share. Owns the
 * listening socket and the set of connections; each of those owns itself.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Access } from "../access/contract.ts";
import { openForAll } from "../access/open-for-all.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { ListenAddress, MetricSample, Service } from "../base/service.ts";
import { Turnstile } from "../base/turnstile.ts";
import type { Log } from "../log/contract.ts";
import { DEFAULT_LOG_OPTIONS } from "../log/options.ts";
import type { KafkaBroker } from "./api.ts";
import { KAFKA_APIS } from "./apis.ts";
import { type ConnectionHost, KafkaConnection } from "./connection.ts";
import { GroupCoordinator } from "./groups/coordinator.ts";
import type { GroupLimits } from "./groups/limits.ts";
import { KafkaTraffic } from "./kafka-traffic.ts";
import { DEFAULT_KAFKA_LIMITS, type KafkaLimits } from "./limits.ts";
import { ProducerIds } from "./producer-ids.ts";
import { ProducerRegistry } from "./producers.ts";

export interface KafkaServerOptions {
  readonly log: Log;
  /** Who is let in; by default, everybody. */
  readonly access?: Access;
  readonly listen: ListenAddress;
  /** Where clients are told to connect; by default, the address that each of them came to. */
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
  readonly limits?: Partial<KafkaLimits>;
  readonly groupLimits?: Partial<GroupLimits>;
}

const DEFAULT_PARTITIONS = 4;
const DEFAULT_LOG_DIRECTORY = "data";

/** @throws ADDRESS_IN_USE, CONFIG_INVALID where it cannot listen there */
export async function startKafkaServer(options: KafkaServerOptions): Promise<Service> {
  const { log, clock, logger } = options;
  const limits = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
  const server = createServer();
  await listen(server, options.listen);
  const groups = new GroupCoordinator({
    log,
    clock,
    logger,
    ...(options.groupLimits && { limits: options.groupLimits }),
  });
  const broker: KafkaBroker = {
    log,
    access: options.access ?? openForAll,
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
    groups,
    producers: new ProducerRegistry(log, clock, limits),
    producerIds: new ProducerIds(log),
    apis: KAFKA_APIS,
  };
  return new KafkaListener(server, {
    broker,
    apis: new Map(KAFKA_APIS.map((api) => [api.key, api])),
    traffic: new KafkaTraffic(),
    advertised: options.advertised,
  });
}

class KafkaListener implements Service {
  readonly address: ListenAddress;
  readonly #server: Server;
  readonly #host: ConnectionHost;
  readonly #connections = new Set<KafkaConnection>();

  constructor(server: Server, host: ConnectionHost) {
    this.#server = server;
    this.#host = host;
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("not a TCP listener");
    this.address = { host: bound.address, port: bound.port };
    server.on("connection", (socket) => this.#accept(socket));
    server.on("error", (error) => {
      host.broker.logger.error({ error: error.message }, "the Kafka listener failed");
    });
    host.broker.logger.info(this.address, "Kafka listener ready");
  }

  metrics(): readonly MetricSample[] {
    const { broker, traffic } = this.#host;
    return [
      ...traffic.metrics(),
      {
        name: "tributary_kafka_idempotent_producers",
        help: "Pairs of idempotent producer and partition that are remembered.",
        type: "gauge",
        value: broker.producers.size,
      },
      ...broker.groups.metrics(),
    ];
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#host.broker.groups.close();
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, this.#host.broker.limits.closeMsMax);
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const { broker, traffic } = this.#host;
    if (this.#connections.size >= broker.limits.connectionsMax) {
      traffic.refused += 1;
      broker.logger.warn(
        { client: socket.remoteAddress, connectionsMax: broker.limits.connectionsMax },
        "a Kafka connection was refused: there are as many as the limit allows",
      );
      socket.destroy();
      return;
    }
    const connection = new KafkaConnection(socket, this.#host);
    this.#connections.add(connection);
    traffic.connections += 1;
    socket.on("close", () => {
      this.#connections.delete(connection);
      traffic.connections -= 1;
    });
  }
}

async function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  const listening = once(server, "listening");
  server.listen({ host, port });
  try {
    await listening;
  } catch (error) {
    const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw new TributaryError(
      inUse ? "ADDRESS_IN_USE" : "CONFIG_INVALID",
      inUse
        ? `Something else listens on ${host}:${port} already; stop it, or choose another --kafka.`
        : `Cannot listen for Kafka clients on ${host}:${port}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}
