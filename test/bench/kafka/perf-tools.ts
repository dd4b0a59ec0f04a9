/**
 * Kafka's own performance tools against one server, and what they print as figures. Whoever is
 * loaded, the tools run in the same JVM with the same settings.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitOf, kafkaClassPath } from "../../support/kafka-runtime.ts";

/**
 * What eight producers buffer, with room: in 1 GB they spent half of the time in full collections,
 * and what was measured was those.
 */
const JVM = ["-Xmx4g", "-Xms4g", "-Xmn2g", "-XX:+UseParallelGC", "-Dlog4j2.level=ERROR"];
const PRODUCERS = fileURLToPath(new URL("PerfProducers.java", import.meta.url));
const SPREAD_PRODUCER = fileURLToPath(new URL("SpreadProducer.java", import.meta.url));
const TOOL_MS_MAX = 600_000;
const OUTPUT_CHARS_MAX = 8000;
const BYTES_A_MIB = 1024 * 1024;
const PROGRESS_MS = 500;

export interface ProduceLoad {
  readonly topic: string;
  readonly producers: number;
  /** Of each producer, after those that warm up. */
  readonly records: number;
  readonly warmUpRecords: number;
  readonly recordBytes: number;
}

export interface Produced {
  /** Of all producers together. */
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Of the producers' own p50 and p99 the worst. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** ProducerPerformance with acks=all, as fast as is taken, and else the client's defaults. */
export async function produce(port: number, load: ProduceLoad): Promise<Produced> {
  const output = await java([
    PRODUCERS,
    String(load.producers),
    ...["--bootstrap-server", `127.0.0.1:${port}`],
    ...["--topic", load.topic],
    ...["--num-records", String(load.records + load.warmUpRecords)],
    ...["--warmup-records", String(load.warmUpRecords)],
    ...["--record-size", String(load.recordBytes)],
    ...["--throughput", "-1"],
    ...["--command-property", "acks=all"],
  ]);
  const summaries = [
    ...output.matchAll(
      /steady state records sent, ([\d.]+) records\/sec.*?, (\d+) ms 50th.*?, (\d+) ms 99th/g,
    ),
  ].map(([, ...figures]) => figures.map(Number) as [number, number, number]);
  if (summaries.length !== load.producers) throw unexpected("ProducerPerformance", output);
  const recordsPerSecond = summaries.reduce((sum, [rate]) => sum + rate, 0);
  return {
    recordsPerSecond,
    megabytesPerSecond: (recordsPerSecond * load.recordBytes) / 1e6,
    p50Ms: Math.max(...summaries.map(([, p50]) => p50)),
    p99Ms: Math.max(...summaries.map(([, , p99]) => p99)),
  };
}

export interface SpreadLoad {
  readonly prefix: string;
  readonly topics: number;
  readonly partitions: number;
  readonly records: number;
  readonly warmUpRecords: number;
  readonly recordBytes: number;
}

/** One producer over many topics (SpreadProducer.java); records a second. */
export async function produceSpread(port: number, load: SpreadLoad): Promise<number> {
  const { topics, partitions, records, warmUpRecords, recordBytes } = load;
  const counts = [topics, partitions, records, warmUpRecords, recordBytes];
  const output = await java([
    SPREAD_PRODUCER,
    ...[`127.0.0.1:${port}`, load.prefix],
    ...counts.map(String),
  ]);
  const [, rate] = /([\d.]+) records\/sec/.exec(output) ?? [];
  if (rate === undefined) throw unexpected("SpreadProducer", output);
  return Number(rate);
}

/**
 * ConsumerPerformance over so many records, from the start or from what is new on; MB/s of the time
 * in which it fetched.
 */
export async function consume(
  port: number,
  topic: string,
  records: number,
  from: "earliest" | "latest" = "earliest",
): Promise<number> {
  const output = await java([
    ...consumer(port, topic, records),
    ...(from === "latest" ? ["--from-latest"] : []),
  ]);
  const columns = output.trim().split("\n").at(-1)?.split(", ") ?? [];
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  if (!(Number(columns[4]) >= records)) throw unexpected("ConsumerPerformance", output);
  return (Number(columns[8]) * BYTES_A_MIB) / 1e6;
}

/** The same from the start, telling every half second how many bytes have been read. */
export async function consumeTelling(
  port: number,
  topic: string,
  records: number,
  progress: (bytes: number) => void,
): Promise<void> {
  let read = 0;
  const telling = ["--show-detailed-stats", "--reporting-interval", String(PROGRESS_MS)];
  const output = await java([...consumer(port, topic, records), ...telling], (line) => {
    // time, thread, MB, MB/s, records, records/s, ...
    const columns = line.split(", ");
    const megabytes = Number(columns[2]);
    if (columns.length < 6 || Number.isNaN(megabytes)) return;
    read = Number(columns[4]);
    progress(megabytes * BYTES_A_MIB);
  });
  // It says nothing of what came after the last half second.
  if (read < records / 2) throw unexpected("ConsumerPerformance", output);
}

function consumer(port: number, topic: string, records: number): string[] {
  return [
    "org.apache.kafka.tools.ConsumerPerformance",
    ...["--bootstrap-server", `127.0.0.1:${port}`],
    ...["--topic", topic],
    ...["--num-records", String(records)],
    ...["--timeout", "60000"],
    "--hide-header",
  ];
}

/** EndToEndLatency: one record after the other, from the producer through to a consumer. */
export async function endToEnd(
  port: number,
  topic: string,
  records: number,
  recordBytes: number,
): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  const output = await java([
    "org.apache.kafka.tools.EndToEndLatency",
    ...["--bootstrap-server", `127.0.0.1:${port}`],
    ...["--topic", topic],
    ...["--num-records", String(records)],
    ...["--producer-acks", "all"],
    ...["--record-size", String(recordBytes)],
  ]);
  const [, p50, p99] = /50th = ([\d.]+), 99th = ([\d.]+)/.exec(output) ?? [];
  if (p50 === undefined) throw unexpected("EndToEndLatency", output);
  return { p50Ms: Number(p50), p99Ms: Number(p99) };
}

/** Runs a tool to its end; answers the last part of what it printed. */
async function java(args: readonly string[], onLine?: (line: string) => void): Promise<string> {
  const classPath = await kafkaClassPath();
  const child = spawn("java", [...JVM, "-cp", classPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TOOL_MS_MAX,
    killSignal: "SIGKILL",
  });
  let output = "";
  let errors = "";
  const keep = (before: string, text: string) => (before + text).slice(-OUTPUT_CHARS_MAX);
  createInterface({ input: child.stdout }).on("line", (line) => {
    output = keep(output, `${line}\n`);
    onLine?.(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = keep(errors, text);
  });
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}:\n${output}\n${errors}`);
  return output;
}

function unexpected(tool: string, output: string): Error {
  return new Error(`${tool} said something unexpected:\n${output}`);
}
