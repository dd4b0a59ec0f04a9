/** Kafka's own performance tools against one server, and what they print as figures. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { kafkaClassPath } from "../../support/kafka-runtime.ts";

const PRODUCERS = fileURLToPath(new URL("PerfProducers.java", import.meta.url));
const TIMEOUT_MS = 300_000;
const MIB = 1024 * 1024;
const NO_LOGGING = "-Dlog4j2.level=ERROR";

export interface ProduceLoad {
  readonly topic: string;
  readonly producers: number;
  /** Of each producer, after those that warm up. */
  readonly records: number;
  readonly warmUpRecords: number;
  readonly recordBytes: number;
  /** Records a second of each producer; -1 = as fast as they are taken. */
  readonly rate: number;
}

export interface Produced {
  /** Of all producers together. */
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Of the producers' own p50 and p99 the worst. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** ProducerPerformance with acks=all and else the client's defaults. */
export async function produce(port: number, load: ProduceLoad): Promise<Produced> {
  const { stdout } = await java(
    [PRODUCERS, String(load.producers)],
    ["--bootstrap-server", `127.0.0.1:${port}`],
    ["--topic", load.topic],
    ["--num-records", String(load.records + load.warmUpRecords)],
    ["--warmup-records", String(load.warmUpRecords)],
    ["--record-size", String(load.recordBytes)],
    ["--throughput", String(load.rate)],
    ["--command-property", "acks=all"],
  );
  const summaries = [
    ...stdout.matchAll(
      /steady state records sent, ([\d.]+) records\/sec.*?, ([\d.]+) ms 50th.*?, ([\d.]+) ms 99th/g,
    ),
  ].map(([, ...figures]) => figures.map(Number) as [number, number, number]);
  if (summaries.length !== load.producers) throw new Error(`ProducerPerformance said:\n${stdout}`);
  const recordsPerSecond = summaries.reduce((sum, [rate]) => sum + rate, 0);
  return {
    recordsPerSecond,
    megabytesPerSecond: (recordsPerSecond * load.recordBytes) / 1e6,
    p50Ms: Math.max(...summaries.map(([, p50]) => p50)),
    p99Ms: Math.max(...summaries.map(([, , p99]) => p99)),
  };
}

/** ConsumerPerformance over so many records, from the start or from what is new. MB/s of fetching. */
export async function consume(
  port: number,
  topic: string,
  records: number,
  from: "earliest" | "latest" = "earliest",
): Promise<number> {
  const { stdout } = await java(
    ["org.apache.kafka.tools.ConsumerPerformance"],
    ["--bootstrap-server", `127.0.0.1:${port}`],
    ["--topic", topic],
    ["--num-records", String(records)],
    ["--timeout", "60000"],
    ["--hide-header"],
    from === "latest" ? ["--from-latest"] : [],
  );
  const columns = stdout.trim().split("\n").at(-1)?.split(", ") ?? [];
  const read = Number(columns[4]);
  if (!(read >= records)) throw new Error(`ConsumerPerformance said:\n${stdout}`);
  return (Number(columns[8]) * MIB) / 1e6;
}

/** EndToEndLatency: one record after the other, from the producer through to a consumer. */
export async function endToEnd(
  port: number,
  topic: string,
  records: number,
  recordBytes: number,
): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  const { stdout } = await java(
    ["org.apache.kafka.tools.EndToEndLatency"],
    ["--bootstrap-server", `127.0.0.1:${port}`],
    ["--topic", topic],
    ["--num-records", String(records)],
    ["--producer-acks", "all"],
    ["--record-size", String(recordBytes)],
  );
  const [, p50, p99] = /50th = ([\d.]+), 99th = ([\d.]+)/.exec(stdout) ?? [];
  if (p50 === undefined) throw new Error(`EndToEndLatency said:\n${stdout}`);
  return { p50Ms: Number(p50), p99Ms: Number(p99) };
}

async function java(...args: readonly (readonly string[])[]): Promise<{ stdout: string }> {
  const command = ["-Xmx512m", "-XX:+UseSerialGC", NO_LOGGING, "-cp", await kafkaClassPath()];
  const limits = { timeout: TIMEOUT_MS, maxBuffer: 16 * MIB };
  return await promisify(execFile)("java", [...command, ...args.flat()], limits);
}
