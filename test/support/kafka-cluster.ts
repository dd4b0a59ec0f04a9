/**
 * A real Apache Kafka cluster for tests: 1 or 3 KRaft brokers on loopback, each of which can be
 * killed and restarted, with its data in a temporary folder. With `proxied`, clients reach every
 * broker through a link of its own that can be cut (the brokers among themselves do not).
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connection, createTopicsV7, metadataV9 } from "@platformatic/kafka";
import { freePorts } from "./free-ports.ts";
import { KafkaBroker } from "./kafka-broker.ts";
import { runKafkaTool, type ToolOptions, type ToolResult } from "./kafka-runtime.ts";
import { type Outage, TcpProxy } from "./tcp-proxy.ts";

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const PORTS_PER_BROKER = 5;

export interface KafkaClusterOptions {
  readonly brokers?: 1 | 3;
  /** Clients reach each broker through a TcpProxy. */
  readonly proxied?: boolean;
  /** Further lines of every broker's server.properties. */
  readonly config?: Readonly<Record<string, string>>;
  /** Adds a SASL_PLAINTEXT listener that knows these users (PLAIN and both SCRAMs). */
  readonly saslUsers?: Readonly<Record<string, string>>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface KafkaCluster {
  /** Where clients connect: through the links, where it is proxied. */
  readonly bootstrap: readonly Address[];
  /** The same brokers, never through a link: to look at the cluster during an outage. */
  readonly direct: readonly Address[];
  /** The SASL listeners; empty without `saslUsers`. */
  readonly sasl: readonly Address[];
  /** One link a broker; empty where it is not proxied. */
  readonly links: readonly TcpProxy[];
  cut(outage: Outage): Promise<void>;
  restore(): Promise<void>;
  kill(index: number): Promise<void>;
  /** Starts a killed broker again, and waits until the cluster counts it. */
  restart(index: number): Promise<void>;
  createTopic(
    name: string,
    options: {
      readonly partitions: number;
      readonly replication?: number;
      readonly config?: Readonly<Record<string, string>>;
    },
  ): Promise<void>;
  /** Runs one of Kafka's tools with `--bootstrap-server` set to the direct listeners. */
  tool(mainClass: string, args: readonly string[], options?: ToolOptions): Promise<ToolResult>;
  stop(): Promise<void>;
}

export async function startKafkaCluster(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const count = options.brokers ?? 1;
  const directory = await mkdtemp(join(tmpdir(), "tributary-kafka-"));
  const ports = await freePorts(count * PORTS_PER_BROKER);
  const nodes = Array.from({ length: count }, (_, index) => {
    const [direct, client, controller, link, sasl] = ports.slice(index * PORTS_PER_BROKER) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { id: index + 1, direct, client, controller, link, sasl };
  });
  const links = options.proxied
    ? await Promise.all(
        nodes.map((node) => TcpProxy.listen({ host: "127.0.0.1", port: node.client }, node.link)),
      )
    : [];
  const voters = nodes.map((node) => `${node.id}@127.0.0.1:${node.controller}`).join(",");
  const clusterId = Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
  const brokers = await Promise.all(
    nodes.map(async (node) => {
      const home = await mkdtemp(join(directory, `broker-${node.id}-`));
      const config = brokerConfig(node, voters, count, join(home, "data"), options);
      return await KafkaBroker.format(home, clusterId, config, options.saslUsers);
    }),
  );
  const direct = nodes.map((node) => loopback(node.direct));
  const isReady = async () => {
    const alive = brokers.filter((broker) => broker.running).length;
    for (const [index, broker] of brokers.entries()) {
      if (!broker.running) continue;
      if ((await knownBrokers(direct[index] as Address)) !== alive) return false;
    }
    return alive > 0;
  };
  const cluster: KafkaCluster = {
    bootstrap: nodes.map((node) => loopback(options.proxied ? node.link : node.client)),
    direct,
    sasl: options.saslUsers === undefined ? [] : nodes.map((node) => loopback(node.sasl)),
    links,
    cut: async (outage) => void (await Promise.all(links.map((link) => link.cut(outage)))),
    restore: async () => void (await Promise.all(links.map((link) => link.restore()))),
    kill: async (index) => await (brokers[index] as KafkaBroker).kill(),
    restart: async (index) => {
      const broker = brokers[index] as KafkaBroker;
      await broker.start();
      await eventually(whileAlive([broker], isReady), brokers);
    },
    createTopic: async (name, topic) => {
      const address = direct[brokers.findIndex((broker) => broker.running)] as Address;
      await withConnection(address, async (connection) => {
        const configs = Object.entries(topic.config ?? {}).map(([key, value]) => ({
          name: key,
          value,
        }));
        const numPartitions = topic.partitions;
        const replicationFactor = topic.replication ?? count;
        await createTopicsV7.api.async(
          connection,
          [{ name, numPartitions, replicationFactor, assignments: [], configs }],
          10_000,
          false,
        );
      });
      await eventually(async () => await hasLeaders(address, name, topic.partitions), brokers);
    },
    tool: async (mainClass, args, toolOptions) => {
      const servers = direct.map(({ host, port }) => `${host}:${port}`).join(",");
      return await runKafkaTool(mainClass, ["--bootstrap-server", servers, ...args], toolOptions);
    },
    stop: async () => {
      await Promise.all(brokers.map((broker) => broker.kill()));
      await Promise.all(links.map((link) => link.close()));
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
    await eventually(whileAlive(brokers, isReady), brokers);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

interface NodePorts {
  readonly id: number;
  readonly direct: number;
  readonly client: number;
  readonly controller: number;
  readonly link: number;
  readonly sasl: number;
}

function brokerConfig(
  node: NodePorts,
  voters: string,
  count: number,
  dataDirectory: string,
  options: KafkaClusterOptions,
): Record<string, string> {
  const withSasl = options.saslUsers !== undefined;
  const on = (name: string, port: number) => `${name}://127.0.0.1:${port}`;
  const saslListener = withSasl ? [on("SASL", node.sasl)] : [];
  const advertised = [
    on("DIRECT", node.direct),
    on("CLIENT", options.proxied ? node.link : node.client),
    ...saslListener,
  ];
  const listeners = [
    on("DIRECT", node.direct),
    on("CLIENT", node.client),
    on("CONTROLLER", node.controller),
    ...saslListener,
  ];
  return {
    "process.roles": "broker,controller",
    "node.id": String(node.id),
    "controller.quorum.voters": voters,
    listeners: listeners.join(","),
    "advertised.listeners": advertised.join(","),
    "listener.security.protocol.map":
      "DIRECT:PLAINTEXT,CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
    "inter.broker.listener.name": "DIRECT",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": dataDirectory,
    "num.partitions": "4",
    // Tests write records with times of their own choosing: by time, Kafka would expire them.
    "log.retention.ms": "-1",
    "auto.create.topics.enable": "false",
    "default.replication.factor": String(count),
    "min.insync.replicas": count === 3 ? "2" : "1",
    "offsets.topic.replication.factor": String(count),
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": String(count),
    "transaction.state.log.min.isr": count === 3 ? "2" : "1",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    // A dead broker's partitions move within seconds, so that a test need not wait for defaults.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "500",
    ...(withSasl ? saslConfig(options.saslUsers ?? {}) : {}),
    ...options.config,
  };
}

function saslConfig(users: Readonly<Record<string, string>>): Record<string, string> {
  const known = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  const modules = "org.apache.kafka.common.security";
  const scram = `${modules}.scram.ScramLoginModule required;`;
  return {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "listener.name.sasl.plain.sasl.jaas.config": `${modules}.plain.PlainLoginModule required ${known.join(" ")};`,
    "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
    "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
  };
}

function loopback(port: number): Address {
  return { host: "127.0.0.1", port };
}

async function knownBrokers(address: Address): Promise<number> {
  return await withConnection(address, async (connection) => {
    const { brokers, controllerId } = await metadataV9.api.async(connection, []);
    return controllerId >= 0 ? brokers.length : 0;
  }).catch(() => 0);
}

async function hasLeaders(address: Address, topic: string, partitions: number): Promise<boolean> {
  return await withConnection(address, async (connection) => {
    const { topics } = await metadataV9.api.async(connection, [topic], false);
    const led = topics[0]?.partitions.filter((partition) => partition.leaderId >= 0);
    return led?.length === partitions;
  }).catch(() => false);
}

async function withConnection<T>(
  address: Address,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection("tributary-test", { connectTimeout: 2000 });
  // The library emits "error" beside rejecting; unheard, it would end the process.
  connection.on("error", () => {});
  try {
    await connection.connect(address.host, address.port);
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Not to wait for a broker that ended while it started. */
function whileAlive(
  starting: readonly KafkaBroker[],
  condition: () => Promise<boolean>,
): () => Promise<boolean> {
  return async () => {
    const ended = starting.find((broker) => !broker.running);
    if (ended !== undefined) throw new Error(`A Kafka broker did not start:\n${ended.output}`);
    return await condition();
  };
}

async function eventually(
  condition: () => Promise<boolean>,
  brokers: readonly KafkaBroker[],
): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      const outputs = brokers.map((broker) => broker.output).join("\n---\n");
      throw new Error(`The Kafka cluster was not ready in ${READY_TIMEOUT_MS} ms:\n${outputs}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
