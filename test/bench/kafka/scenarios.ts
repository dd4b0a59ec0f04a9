/** What `npm run bench:kafka` measures of one freshly started server. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ConsumedResult, ConsumeOptions } from "../load/fetch-consumer.ts";
import { runBlast } from "../load/run-load.ts";
import { processorSeconds } from "../process-figures.ts";
import { consume, endToEnd, type ProduceLoad, produce } from "./perf-tools.ts";
import { createTopic, type LoadedServer, type ServerName } from "./servers.ts";

/** Figures by their names; of each the median over the rounds is told. */
export type Figures = Readonly<Record<string, number>>;

export interface Scenario {
  readonly title: string;
  readonly servers: readonly ServerName[];
  /** Called for each in turn, on a server of its own. */
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly label: string;
  readonly run: (server: LoadedServer) => Promise<Figures>;
}

const EVERYBODY: readonly ServerName[] = ["tributary", "kafka", "kafka-flush"];
const TOPIC = "bench";
const PARTITIONS = 4;
const GIGABYTE = 1e9;
const FETCH_BYTES = 1024 * 1024;
const RAW_SECONDS = 4;
const INGEST_SECONDS = 8;
const INGEST_PER_SECOND = 100_000;
const READERS = 3;
const RAW_CONSUMER = fileURLToPath(new URL("../load/fetch-consumer.ts", import.meta.url));
const DROP_CACHES = "/proc/sys/vm/drop_caches";

export const SCENARIOS = {
  produce: {
    title: "Produce, acks=all, ProducerPerformance",
    servers: EVERYBODY,
    variants: [
      producing("1 KB, 1 producer", { producers: 1, recordBytes: 1000, records: 600_000 }),
      producing("1 KB, 8 producers", { producers: 8, recordBytes: 1000, records: 75_000 }),
      producing("100 B, 1 producer", { producers: 1, recordBytes: 100, records: 3_000_000 }),
      producing("100 B, 8 producers", { producers: 8, recordBytes: 100, records: 375_000 }),
    ],
  },
  fetch: {
    title: "Fetch of 2 GB of 1 KB records from the start",
    servers: ["tributary", "kafka"],
    variants: [{ label: "", run: fetchFromTheStart }],
  },
  tail: {
    title: "1 KB records, produced as fast as they are taken and read as they come",
    servers: EVERYBODY,
    variants: [{ label: "", run: tail }],
  },
  latency: {
    title: "From producer to consumer, one record of 100 bytes at a time, EndToEndLatency",
    servers: EVERYBODY,
    variants: [{ label: "", run: latency }],
  },
  ingest: {
    title: `MQTT QoS 1, ${INGEST_PER_SECOND.toLocaleString("en-US")} messages/s, beside ${READERS} readers from the start`,
    servers: ["tributary"],
    variants: [{ label: "", run: ingestBesideReaders }],
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

function producing(
  label: string,
  load: Pick<ProduceLoad, "producers" | "recordBytes" | "records">,
): Variant {
  return {
    label,
    run: async (server) => {
      await createTopic(server.kafkaPort, TOPIC, PARTITIONS);
      const warmUpRecords = Math.round(load.records / 5);
      const gigabytes =
        ((load.records + warmUpRecords) * load.producers * load.recordBytes) / GIGABYTE;
      const before = await processorSeconds(server.pid);
      const produced = await produce(server.kafkaPort, {
        ...load,
        topic: TOPIC,
        warmUpRecords,
        rate: -1,
      });
      const cpu = (await processorSeconds(server.pid)) - before;
      return {
        "records/s": produced.recordsPerSecond,
        "MB/s": produced.megabytesPerSecond,
        "p50 ms": produced.p50Ms,
        "p99 ms": produced.p99Ms,
        "server CPU s/GB": cpu / gigabytes,
      };
    },
  };
}

async function fill(server: LoadedServer, partitions: number, records: number): Promise<void> {
  await createTopic(server.kafkaPort, TOPIC, partitions);
  const load = { topic: TOPIC, producers: 1, recordBytes: 1000, rate: -1 };
  const warmUpRecords = records / 10;
  await produce(server.kafkaPort, { ...load, records: records - warmUpRecords, warmUpRecords });
}

async function fetchFromTheStart(server: LoadedServer): Promise<Figures> {
  const records = 2_000_000;
  await fill(server, 1, records);
  const before = await processorSeconds(server.pid);
  const javaRate = await consume(server.kafkaPort, TOPIC, records);
  const cpu = (await processorSeconds(server.pid)) - before;
  const raw = await readRaw(server.kafkaPort, 1, RAW_SECONDS);
  const isCold = await writeFile(DROP_CACHES, "1").then(
    () => true,
    () => false,
  );
  const cold = isCold ? await consume(server.kafkaPort, TOPIC, records) : Number.NaN;
  return {
    "Java MB/s": javaRate,
    "server CPU s/GB": cpu / ((records * 1000) / GIGABYTE),
    "raw MB/s": raw,
    "Java, off the disk, MB/s": cold,
  };
}

async function tail(server: LoadedServer): Promise<Figures> {
  await createTopic(server.kafkaPort, TOPIC, PARTITIONS);
  const records = 1_000_000;
  const reading = consume(server.kafkaPort, TOPIC, records, "latest");
  // The consumer has to be there first.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const load = { topic: TOPIC, producers: 1, recordBytes: 1000, rate: -1 };
  const warmUpRecords = 200_000;
  const [readRate, produced] = await Promise.all([
    reading,
    produce(server.kafkaPort, { ...load, records, warmUpRecords }),
  ]);
  return { "produced MB/s": produced.megabytesPerSecond, "read MB/s": readRate };
}

async function latency(server: LoadedServer): Promise<Figures> {
  await createTopic(server.kafkaPort, TOPIC, 1);
  const { p50Ms, p99Ms } = await endToEnd(server.kafkaPort, TOPIC, 5000, 100);
  return { "p50 ms": p50Ms, "p99 ms": p99Ms };
}

async function ingestBesideReaders(server: LoadedServer): Promise<Figures> {
  await fill(server, 1, 2_000_000);
  const alone = await ingest(server);
  const [beside, read] = await Promise.all([
    ingest(server),
    readRaw(server.kafkaPort, READERS, INGEST_SECONDS),
  ]);
  return {
    "alone, messages/s": alone.ratePerSecond,
    "p99 ms": alone.p99Ms,
    "beside readers": beside.ratePerSecond,
    "p99 ms beside": beside.p99Ms,
    "lost %": 100 * (1 - beside.ratePerSecond / alone.ratePerSecond),
    "read MB/s": read,
  };
}

async function ingest({ mqttPort = 0 }: LoadedServer) {
  return await runBlast(mqttPort, {
    connections: 10,
    inFlight: 1000,
    qos: 1,
    payloadBytes: 100,
    ratePerSecond: INGEST_PER_SECOND,
    seconds: INGEST_SECONDS,
  });
}

/** Consumers that look at nothing, each over and over; MB/s of all together. */
async function readRaw(port: number, count: number, seconds: number): Promise<number> {
  const options: ConsumeOptions = { topic: TOPIC, seconds, bytesMax: FETCH_BYTES };
  const args = [RAW_CONSUMER, "127.0.0.1", String(port), JSON.stringify(options)];
  const each = Array.from({ length: count }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return (JSON.parse(stdout) as ConsumedResult).gigabytesPerSecond * 1000;
  });
  return (await Promise.all(each)).reduce((sum, rate) => sum + rate, 0);
}
