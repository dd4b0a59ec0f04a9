/** Apache Kafka as one KRaft node, broker and controller in one, on a folder of its own. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { KafkaBroker } from "../../support/kafka-broker.ts";
import { serves } from "./admin.ts";
import type { LoadedServer } from "./servers.ts";

const POM = new URL("../../support/maven/pom.xml", import.meta.url);
/** Kafka's own default heap, and its collector (bin/kafka-server-start.sh, kafka-run-class.sh). */
const JVM = ["-Xmx1G", "-Xms1G", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];
const READY_MS_MAX = 120_000;
const END_MS_MAX = 120_000;
const POLL_MS = 20;

export interface KafkaSetting {
  readonly name: string;
  readonly promise: string;
  /** Further lines of server.properties. */
  readonly config?: Readonly<Record<string, string>>;
}

export async function startKafka(folder: string, setting: KafkaSetting): Promise<LoadedServer> {
  const { name, promise } = setting;
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
    ...setting.config,
  };
  const clusterId = Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
  const broker = await KafkaBroker.format(folder, clusterId, config, {}, JVM);
  let pid = await start(broker, name, kafkaPort);
  return {
    name,
    version,
    promise,
    kafkaPort,
    mqttPort: undefined,
    get pid() {
      return pid;
    },
    restart: async () => {
      await terminate(broker, pid);
      const startedAtMs = performance.now();
      pid = await start(broker, name, kafkaPort);
      return performance.now() - startedAtMs;
    },
    stop: () => broker.kill(),
  };
}

/** Answers the process id of the broker that serves. */
async function start(broker: KafkaBroker, name: string, port: number): Promise<number> {
  await broker.start();
  await until(READY_MS_MAX, async () => {
    if (!broker.running) throw new Error(`${name} ended:\n${broker.output}`);
    return await serves(port);
  });
  const pid = await broker.pid();
  if (pid === undefined) throw new Error(`${name} has no process`);
  return pid;
}

/** In order, so that its next start has nothing to mend. */
async function terminate(broker: KafkaBroker, pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  await until(END_MS_MAX, async () => !existsSync(`/proc/${pid}`));
  await broker.kill();
}

async function until(forMs: number, condition: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + forMs;
  while (!(await condition())) {
    if (performance.now() > untilMs) throw new Error(`Kafka was not as wanted within ${forMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
