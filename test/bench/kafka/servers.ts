/**
 * Who is loaded through the Kafka protocol, each started anew on a folder of its own: Tributary, and
 * Apache Kafka as one KRaft node, with its defaults and with a flush for every batch.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Connection, createTopicsV7, metadataV9 } from "@platformatic/kafka";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { KafkaBroker } from "../../support/kafka-broker.ts";

const MANIFEST = new URL("../../../package.json", import.meta.url);
const POM = new URL("../../support/maven/pom.xml", import.meta.url);
/** Kafka's own default (bin/kafka-server-start.sh). */
const KAFKA_JVM = ["-Xmx1G", "-Xms1G", "-XX:+UseG1GC"];
const READY_MS_MAX = 60_000;
const POLL_MS = 100;

export interface LoadedServer {
  readonly name: string;
  readonly version: string;
  /** What it promises of a record that it has acknowledged. */
  readonly promise: string;
  readonly kafkaPort: number;
  /** Where it takes MQTT; undefined where it does not. */
  readonly mqttPort: number | undefined;
  readonly pid: number;
  stop(): Promise<void>;
}

export const SERVERS = {
  tributary: startTributary,
  kafka: (folder: string) => startKafka(folder, "Kafka", "page cache (flushed when the OS likes)"),
  "kafka-flush": (folder: string) =>
    startKafka(folder, "Kafka, flushing", "on disk (log.flush.interval.messages=1)", {
      "log.flush.interval.messages": "1",
    }),
} as const satisfies Readonly<Record<string, (folder: string) => Promise<LoadedServer>>>;

export type ServerName = keyof typeof SERVERS;

async function startTributary(folder: string): Promise<LoadedServer> {
  const { version } = JSON.parse(await readFile(MANIFEST, "utf8")) as { version: string };
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const options = ["--log-disk-budget-bytes", "16GiB"];
  const data = join(folder, "data");
  const gateway = new GatewayProcess({ data, mqttPort, kafkaPort, httpPort, options });
  await gateway.ready();
  return {
    name: "Tributary",
    version,
    promise: "on disk (fsync before every answer)",
    kafkaPort,
    mqttPort,
    pid: gateway.child.pid ?? 0,
    stop: async () => void (await gateway.terminate()),
  };
}

async function startKafka(
  folder: string,
  name: string,
  promise: string,
  more: Readonly<Record<string, string>> = {},
): Promise<LoadedServer> {
  await mkdir(folder, { recursive: true });
  const pom = await readFile(POM, "utf8");
  const version = /<kafka\.version>(.*?)</.exec(pom)?.[1] ?? "unknown";
  const [kafkaPort = 0, controllerPort = 0] = await freePorts(2);
  const config = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${kafkaPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(folder, "data"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    ...more,
  };
  const clusterId = Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
  const broker = await KafkaBroker.format(folder, clusterId, config, {}, KAFKA_JVM);
  await broker.start();
  const untilMs = performance.now() + READY_MS_MAX;
  while (!(await answers(kafkaPort))) {
    if (performance.now() > untilMs || !broker.running) {
      throw new Error(`${name} was not ready in ${READY_MS_MAX} ms:\n${broker.output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const pid = (await broker.pid()) ?? 0;
  const stop = () => broker.kill();
  return { name, version, promise, kafkaPort, mqttPort: undefined, pid, stop };
}

/** Resolves when every partition has its leader. */
export async function createTopic(port: number, name: string, partitions: number): Promise<void> {
  await onConnection(port, async (connection) => {
    const topic = { name, numPartitions: partitions, replicationFactor: 1 };
    const topics = [{ ...topic, assignments: [], configs: [] }];
    await createTopicsV7.api.async(connection, topics, READY_MS_MAX, false);
    const untilMs = performance.now() + READY_MS_MAX;
    for (;;) {
      const answer = await metadataV9.api.async(connection, [name], false).catch(() => undefined);
      const led = answer?.topics[0]?.partitions.filter(({ leaderId }) => leaderId >= 0);
      if (led?.length === partitions) return;
      if (performance.now() > untilMs) throw new Error(`topic ${name} has no leaders`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

async function answers(port: number): Promise<boolean> {
  return await onConnection(port, async (connection) => {
    const { brokers, controllerId } = await metadataV9.api.async(connection, []);
    return controllerId >= 0 && brokers.length === 1;
  }).catch(() => false);
}

async function onConnection<T>(
  port: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection("tributary-bench", { connectTimeout: 2000 });
  // The library emits "error" beside rejecting; unheard, it would end the process.
  connection.on("error", () => {});
  try {
    await connection.connect("127.0.0.1", port);
    return await use(connection);
  } finally {
    await connection.close();
  }
}
