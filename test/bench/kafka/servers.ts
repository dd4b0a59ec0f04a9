/**
 * Who is loaded through the Kafka protocol, each started anew on a folder of its own: Tributary, and
 * Apache Kafka as one KRaft node, with its defaults and with a flush for every batch.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../../support/gateway-process.ts";
import { startKafka } from "./kafka-server.ts";

const MANIFEST = new URL("../../../package.json", import.meta.url);
/** More than any load writes: what is measured is not what has to go. */
const DISK_BUDGET = "32GiB";

export interface LoadedServer {
  readonly name: string;
  readonly version: string;
  /** What it promises of a record that it has acknowledged. */
  readonly promise: string;
  readonly kafkaPort: number;
  /** Where it takes MQTT; undefined where it does not. */
  readonly mqttPort: number | undefined;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Ends it in order and starts it again on its folder; answers the milliseconds until it serves. */
  restart(): Promise<number>;
  stop(): Promise<void>;
}

export const SERVERS = {
  tributary: startTributary,
  kafka: (folder: string) =>
    startKafka(folder, { name: "Kafka", promise: "in the page cache, flushed when the OS likes" }),
  "kafka-flush": (folder: string) =>
    startKafka(folder, {
      name: "Kafka, flushing",
      promise: "on the disk (log.flush.interval.messages=1)",
      config: { "log.flush.interval.messages": "1" },
    }),
} as const satisfies Readonly<Record<string, (folder: string) => Promise<LoadedServer>>>;

export type ServerName = keyof typeof SERVERS;

async function startTributary(folder: string): Promise<LoadedServer> {
  const { version } = JSON.parse(await readFile(MANIFEST, "utf8")) as { version: string };
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const place: GatewayPlace = {
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--log-disk-budget-bytes", DISK_BUDGET],
    nodeOptions: profiling(),
  };
  let gateway = new GatewayProcess(place);
  await gateway.ready();
  return {
    name: "Tributary",
    version,
    promise: "on the disk (one flush for all that came meanwhile)",
    kafkaPort,
    mqttPort,
    get pid() {
      return gateway.child.pid ?? 0;
    },
    restart: async () => {
      await gateway.terminate();
      gateway = new GatewayProcess(place);
      return await gateway.ready();
    },
    stop: async () => void (await gateway.terminate()),
  };
}

/** With BENCH_CPU_PROFILES=FOLDER, each gateway leaves a profile of its main thread there. */
function profiling(): readonly string[] {
  const folder = process.env["BENCH_CPU_PROFILES"];
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}
