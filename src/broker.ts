/**
 * The composition root: the only file that names concrete parts. It translates the configuration
 * into each room's own options, starts the rooms in order and closes them in order:
 *
 *     start:  access, log, upstream, MQTT, Kafka, HTTP
 *     close:  HTTP + MQTT + Kafka, upstream, access, log
 *
 * Upstream comes first because the log asks it what retention may take. A start that fails part way
 * closes what was started. Rooms a configuration has no use for are not even loaded.
 */
import { type AccessControl, openAccess } from "./access/open-access.ts";
import type { Clock } from "./base/clock.ts";
import { messageOf, type TributaryError } from "./base/errors.ts";
import type { Logger } from "./base/logger.ts";
import { isLoopback } from "./base/loopback.ts";
import type { Offset } from "./base/offset.ts";
import type { ListenAddress, MetricSample, Service } from "./base/service.ts";
import { showAddress } from "./config/kinds/address.ts";
import { listenFailure } from "./config/listen-failure.ts";
import type { Config } from "./config/option-table.ts";
import { upstreamConnection } from "./config/upstream-connection.ts";
import type { Log, Partition } from "./log/contract.ts";
import { type DeclaredTopic, declareTopics } from "./log/declared-topics.ts";
import { openLog } from "./log/open.ts";
import { DEFAULT_TOPIC_CONFIG } from "./log/options.ts";
import type { Forwarder } from "./upstream/forwarder.ts";

const KAFKA_NODE_ID = 1;
const OPEN_TO_ALL = "this listener can be reached from other machines and asks for no password";
const CLOSED_TO_ALL =
  "other machines can reach this listener, but none is let in: name users in an access file (accessFile)";
const CERTIFICATE_UNUSED =
  "mqttTls is set, but no listener uses it: give mqtts or mqttWss an address, or leave mqttTls out";
/** How long a part may take to close; together they leave the log time for its last flush. */
const LISTENER_CLOSE_MS_MAX = 1_500;
const UPSTREAM_CLOSE_MS_MAX = 2_800;

export interface GatewayParts {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly version: string;
}

/** Where it listens, by name; a listener that is off is not in it. */
export type GatewayListeners = Readonly<
  Record<string, ListenAddress> & Partial<Record<"mqtt" | "kafka" | "http", ListenAddress>>
>;

export interface Gateway {
  readonly listeners: GatewayListeners;
  /** How long the start took since the process began. */
  readonly startupMs: number;
  readonly log: Log;
  /** Resolves when the disk failed a write: close it, within a bound, and end the process. */
  readonly failed: Promise<TributaryError>;
  metrics(): readonly MetricSample[];
  /** Reads the access file again, without disturbing whom it still lets in. */
  reload(): Promise<void>;
  /** Takes no more, finishes what it has, flushes. Calling it again waits for the same. */
  close(): Promise<void>;
}

/** @throws every code that begins CONFIG_, ADDRESS_ or DATA_; DISK_FULL, STORAGE_FAILED */
export async function startGateway(config: Config, parts: GatewayParts): Promise<Gateway> {
  const { http, upstream } = config;
  const mqtt = usesMqtt(config);
  const kafka = config.kafka !== undefined || config.kafkaListeners !== undefined;
  // Loaded while the log recovers, each only where it is wanted.
  const loading = {
    upstream: upstream && import("./upstream/forwarder.ts"),
    mqtt: mqtt && import("../bridge/mqtt-bridge.ts"),
    mqttOptions: mqtt && import("../bridge/configured-bridge.ts"),
    kafka: kafka && import("./kafka/server.ts"),
    kafkaListeners: kafka && import("./kafka/listeners/configured-listeners.ts"),
    http: http && import("./http/http-server.ts"),
    replay: http && import("./replay/replay-lines.ts"),
    replayQuery: http && import("./replay/replay-options.ts"),
  };
  await Promise.all(Object.values(loading).map(async (room) => room));
  const mqttOptions = loading.mqttOptions && (await loading.mqttOptions).configuredBridge(config);
  const mqttNames = mqttOptions ? mqttOptions.listeners.map(({ settings }) => settings.name) : [];
  const kafkaListeners =
    loading.kafkaListeners &&
    (await loading.kafkaListeners).configuredKafkaListeners(config, mqttNames);
  const upstreamOptions = upstream && upstreamConnection(config, upstream);

  if (leavesCertificateUnused(config)) parts.logger.warn({}, CERTIFICATE_UNUSED);
  const access = await openAccess({ ...parts, file: config.accessFile });
  const log = await openLog(config.data, logOptions(config, parts));
  const gateway = new RunningGateway(log, access, parts);
  try {
    const shared = { log, access, ...parts, gateway: config.gateway };
    let forwarder: Forwarder | undefined;
    if (loading.upstream && upstreamOptions) {
      const { startForwarder } = await loading.upstream;
      // Devices are heard before what they said is sent on: its client library loads last.
      const upstreamParts = { ...shared, ...upstreamOptions, connectAfter: gateway.started };
      forwarder = gateway.forward(startForwarder(upstreamParts));
    }
    await declareTopics(log, declaredTopics(config), parts.logger);
    if (loading.mqtt && mqttOptions) {
      const { startMqttBridge } = await loading.mqtt;
      gateway.warnOfReach(mqttOptions.listeners, reach(config, access));
      const { started } = gateway;
      await gateway.serve("mqtt", startMqttBridge({ ...shared, ...mqttOptions, started }));
    }
    if (loading.kafka && kafkaListeners) {
      const { startKafkaServer } = await loading.kafka;
      gateway.warnOfReach(kafkaListeners, reach(config, access));
      const options = { ...shared, ...kafkaOptions(config), listeners: kafkaListeners };
      await gateway.serve("kafka", startKafkaServer(options));
    }
    if (loading.http && loading.replay && loading.replayQuery && http) {
      const { startHttpServer } = await loading.http;
      const { replayLines } = await loading.replay;
      const { parseReplayQuery } = await loading.replayQuery;
      await gateway.listen("http", http, () =>
        startHttpServer({
          ...shared,
          ...httpLimits(config),
          listen: http,
          samples: () => gateway.metrics(),
          listeners: () => gateway.listeners,
          notReady: () => gateway.notReady(),
          replicated: (partition) => forwarder?.progress(partition),
          openReplay: (topic, params, signal) =>
            replayLines(log, topic.name, parseReplayQuery(params), signal, { clock: parts.clock }),
          defaultPartitions: config.log.partitions,
        }),
      );
    }
    gateway.ready();
    return gateway;
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

/** A room with listeners of its own: MQTT's, Kafka's. */
interface ListeningService extends Service {
  /** Where it listens, by the listeners' names. */
  readonly listeners: ReadonlyMap<string, ListenAddress>;
  /** Reads its listeners' certificates again. */
  reload(): Promise<void>;
}

/** As far as it matters for who can reach it. */
interface ReachableListener {
  readonly settings: { readonly name: string };
  readonly address: ListenAddress;
}

/** What runs, in the order it is closed in. */
class RunningGateway implements Gateway {
  readonly log: Log;
  readonly failed: Promise<TributaryError>;
  startupMs = 0;
  readonly #access: AccessControl;
  readonly #parts: GatewayParts;
  readonly #services = new Map<string, Service | ListeningService>();
  readonly #started = Promise.withResolvers<void>();
  #forwarder: Forwarder | undefined;
  #closing: Promise<void> | undefined;
  #failure: TributaryError | undefined;

  constructor(log: Log, access: AccessControl, parts: GatewayParts) {
    this.log = log;
    this.failed = log.failed.then((error) => {
      this.#failure = error;
      parts.logger.error({ code: error.code, error: error.message }, "the disk has failed");
      return error;
    });
    this.#access = access;
    this.#parts = parts;
  }

  /** Resolves when every listener is up, or none will be any more. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  get listeners(): GatewayListeners {
    const addresses: Record<string, ListenAddress> = {};
    for (const [name, service] of this.#services) {
      if ("listeners" in service) Object.assign(addresses, Object.fromEntries(service.listeners));
      else if (service.address !== undefined) addresses[name] = service.address;
    }
    return addresses;
  }

  metrics(): readonly MetricSample[] {
    const startup: MetricSample = {
      name: "tributary_startup_ms",
      help: "From the begin of the process until every listener was up",
      type: "gauge",
      value: this.startupMs,
    };
    const services = [...this.#services.values(), ...(this.#forwarder ? [this.#forwarder] : [])];
    return [
      startup,
      ...this.#access.metrics(),
      ...services.flatMap((service) => service.metrics()),
    ];
  }

  async reload(): Promise<void> {
    const reloading = [...this.#services.values()].map(async (service) => {
      if ("reload" in service) await service.reload();
    });
    await Promise.all([this.#access.reload(), ...reloading]);
  }

  notReady(): readonly string[] {
    if (this.#failure !== undefined) return [this.#failure.message];
    if (this.#closing !== undefined) return ["the gateway is closing"];
    return this.startupMs === 0 ? ["the gateway is starting"] : [];
  }

  /** From here on retention knows what is forwarded: no other task may run between open and this. */
  forward(forwarder: Forwarder): Forwarder {
    this.#forwarder = forwarder;
    this.log.setReplicationProgress(
      (partition: Partition): Offset | undefined => forwarder.progress(partition)?.nextOffset,
    );
    return forwarder;
  }

  async listen(name: string, wanted: ListenAddress, start: () => Promise<Service>): Promise<void> {
    this.warnOfReach([{ settings: { name }, address: wanted }], OPEN_TO_ALL);
    try {
      this.#services.set(name, await start());
    } catch (error) {
      throw listenFailure(name, wanted, error);
    }
  }

  async serve(name: string, starting: Promise<ListeningService>): Promise<void> {
    this.#services.set(name, await starting);
  }

  /** Says what it means that other machines can reach a listener, where that may surprise. */
  warnOfReach(listeners: readonly ReachableListener[], message: string | undefined): void {
    if (message === undefined) return;
    for (const { settings, address } of listeners) {
      if (isLoopback(address.host)) continue;
      const fields = { listener: settings.name, address: showAddress(address) };
      this.#parts.logger.warn(fields, message);
    }
  }

  ready(): void {
    this.startupMs = Math.round(performance.now());
    this.#started.resolve();
  }

  close(): Promise<void> {
    this.#started.resolve();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const listeners = [...this.#services].map(([name, service]) =>
      this.#stop(name, service, LISTENER_CLOSE_MS_MAX),
    );
    await Promise.all(listeners);
    if (this.#forwarder !== undefined) {
      await this.#stop("upstream", this.#forwarder, UPSTREAM_CLOSE_MS_MAX);
    }
    await this.#access.close();
    await this.log.close();
  }

  /** One part that hangs or fails must not keep the log from its last flush. */
  async #stop(name: string, service: Service, closeMsMax: number): Promise<void> {
    const { logger } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        logger.warn({ part: name }, "a part of the gateway takes long to close: going on");
        resolve();
      }, closeMsMax);
    });
    const closed = service.close().catch((error: unknown) => {
      logger.error({ part: name, error: messageOf(error) }, "a part failed to close");
    });
    await Promise.race([closed, late]);
    clearTimeout(timer);
  }
}

function declaredTopics({ topics, log }: Config): Record<string, DeclaredTopic> {
  return Object.fromEntries(
    Object.entries(topics ?? {}).map(([name, { partitions, ...config }]) => {
      const declared = { config, partitions, defaultPartitions: log.partitions };
      return [name, declared];
    }),
  );
}

function logOptions({ log, limits }: Config, { clock, logger }: GatewayParts) {
  const { retentionMs, retentionBytes, messageBytesMax, whenFull, partitions: _, ...sizes } = log;
  const own = { retentionMs, retentionBytes, messageBytesMax, whenFull };
  const topicDefaults = { ...DEFAULT_TOPIC_CONFIG, ...own };
  const { topicsMax, partitionsMax } = limits;
  return { clock, logger, ...sizes, topicDefaults, topicsMax, partitionsMax };
}

/** Anything of MQTT that the configuration asks for. */
function usesMqtt({ mqtt, mqtts, mqttWs, mqttWss, mqttListeners, links }: Config): boolean {
  return [mqtt, mqtts, mqttWs, mqttWss, mqttListeners, links].some((part) => part !== undefined);
}

/** Whoever has set a certificate up may believe that clients come by TLS alone. */
function leavesCertificateUnused({ mqttTls, mqtts, mqttWss }: Config): boolean {
  return mqttTls.certFile !== undefined && mqtts === undefined && mqttWss === undefined;
}

function reach({ accessFile }: Config, { anonymous }: AccessControl): string | undefined {
  if (anonymous === "allowed") return OPEN_TO_ALL;
  return accessFile === undefined ? CLOSED_TO_ALL : undefined;
}

function kafkaOptions({ data, gateway, log, limits }: Config) {
  return {
    logDirectory: data,
    segmentBytes: log.segmentBytes,
    nodeId: KAFKA_NODE_ID,
    clusterId: gateway,
    defaultPartitions: log.partitions,
    limits: {
      connectionsMax: limits.kafkaConnectionsMax,
      requestBytesMax: limits.kafkaRequestBytesMax,
      producerBytesPerS: limits.kafkaProducerBytesPerS,
      consumerBytesPerS: limits.kafkaConsumerBytesPerS,
    },
  };
}

function httpLimits({ limits }: Config) {
  return {
    connectionsMax: limits.httpConnectionsMax,
    streamsMax: limits.httpStreamsMax,
    stallMsMax: limits.httpStallMsMax,
  };
}
