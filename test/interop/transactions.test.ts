/**
 * Consume, process, produce, exactly once, as clients not written here do it against a real gateway:
 * Kafka's own Java client by its TransactionalMessageCopier, librdkafka by confluent-kafka, kafkajs.
 * Then what Kafka's tools say of their transactions.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { runKafkaTool } from "../support/kafka-runtime.ts";
import { replayed } from "../support/replayed.ts";
import { requireTool } from "../support/requirements.ts";

const SOURCE = "source";
const PARTITIONS = 2;
const RECORDS = 1000;
const PYTHON = "/usr/bin/python3";
const COPIER_MS_MAX = 120_000;
const VALUES = Array.from({ length: RECORDS }, (_, nth) => `reading ${nth}`);

let folder: string;
let gateway: GatewayProcess;
let kafka: Kafka;
let broker: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-transactions-"));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  gateway = new GatewayProcess({ data: join(folder, "data"), mqttPort, kafkaPort, httpPort });
  await gateway.ready();
  broker = `127.0.0.1:${kafkaPort}`;
  kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const topics = [SOURCE, "by-java", "by-confluent", "by-kafkajs"];
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS })),
  });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const messages = VALUES.map((value, nth) => ({ key: `${nth % 7}`, value }));
  await producer.send({ topic: SOURCE, messages });
  await producer.disconnect();
});

afterAll(async () => {
  await gateway.kill();
  await rm(folder, { recursive: true });
});

/** What readers of committed records see: our own replay, and Kafka's console consumer. */
async function committed(topic: string): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of replayed(gateway.url, topic)) values.push(value);
  return values.toSorted();
}

async function committedByJava(topic: string, count: number): Promise<string[]> {
  const { code, stdout, stderr } = await runKafkaTool(
    "org.apache.kafka.tools.consumer.ConsoleConsumer",
    [
      ...["--bootstrap-server", broker, "--topic", topic, "--from-beginning"],
      ...["--isolation-level", "read_committed", "--max-messages", `${count + 1}`],
      ...["--timeout-ms", "5000"],
    ],
  );
  if (code !== 0 && !stderr.includes("TimeoutException")) throw new Error(stderr);
  // The tool's own log stands among what it prints.
  const lines = stdout.split("\n").filter((line) => /reading \d+$/.test(line));
  return lines.toSorted();
}

describe("exactly once from a topic to another", () => {
  it("by Kafka's Java client, with random aborts", async (context) => {
    requireTool(context, "java", "mvn");
    const { code, stdout, stderr } = await runKafkaTool(
      "org.apache.kafka.tools.TransactionalMessageCopier",
      [
        ...["--broker-list", broker, "--transactional-id", "java-copier"],
        ...["--input-topic", SOURCE, "--input-partition", "-1", "--output-topic", "by-java"],
        ...["--consumer-group", "java-copiers", "--transaction-size", "40"],
        ...["--enable-random-aborts", "--group-mode", "--use-group-metadata"],
      ],
      { timeoutMs: COPIER_MS_MAX },
    );
    expect(code, stderr + stdout).toBe(0);
    expect(await gateway.metric("tributary_kafka_transactions_total", "aborted")).toBeGreaterThan(
      0,
    );
    expect(await committed("by-java")).toEqual(VALUES.toSorted());
    expect(await committedByJava("by-java", RECORDS)).toEqual(VALUES.toSorted());
  });

  it("by librdkafka, every third transaction aborted", async (context) => {
    requireTool(context, "python3");
    const script = join(import.meta.dirname, "members/confluent-copier.py");
    const args = [script, broker, SOURCE, "by-confluent", "confluent-copiers", `${RECORDS}`];
    const { stdout } = await promisify(execFile)(PYTHON, args, { timeout: COPIER_MS_MAX });
    const [commits, aborts] = stdout.split(" ").map(Number);
    expect(commits).toBeGreaterThan(1);
    expect(aborts).toBeGreaterThan(0);
    expect(await committed("by-confluent")).toEqual(VALUES.toSorted());
  });

  it("by kafkajs, every third transaction aborted", async () => {
    const consumer = kafka.consumer({ groupId: "kafkajs-copiers", readUncommitted: false });
    const producer = kafka.producer({
      transactionalId: "kafkajs-copier",
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await Promise.all([consumer.connect(), producer.connect()]);
    await consumer.subscribe({ topic: SOURCE, fromBeginning: true });
    let turns = 0;
    let copied = 0;
    const all = Promise.withResolvers<void>();
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch: { messages, partition, lastOffset }, resolveOffset }) => {
        const first = messages.slice(0, 100);
        const next = Number(first.at(-1)?.offset ?? lastOffset()) + 1;
        for (const outcome of turns++ % 3 === 0 ? ["aborted ", ""] : [""]) {
          const transaction = await producer.transaction();
          const copies = first.map(({ value }) => ({ value: `${outcome}${String(value)}` }));
          await transaction.send({ topic: "by-kafkajs", messages: copies });
          await transaction.sendOffsets({
            consumerGroupId: "kafkajs-copiers",
            topics: [{ topic: SOURCE, partitions: [{ partition, offset: `${next}` }] }],
          });
          if (outcome === "") await transaction.commit();
          else await transaction.abort();
        }
        resolveOffset(`${next - 1}`);
        copied += first.length;
        if (copied >= RECORDS) all.resolve();
      },
    });
    await all.promise;
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
    expect(await committed("by-kafkajs")).toEqual(VALUES.toSorted());
    const admin = kafka.admin();
    await admin.connect();
    const [of] = await admin.fetchOffsets({ groupId: "kafkajs-copiers", topics: [SOURCE] });
    await admin.disconnect();
    const sum = of?.partitions.reduce((total, { offset }) => total + Number(offset), 0);
    expect(sum).toBe(RECORDS);
  });
});

describe("Kafka's own tool for transactions", () => {
  it("lists them, describes them, and ends one", async (context) => {
    requireTool(context, "java", "mvn");
    const producer = kafka.producer({
      transactionalId: "open",
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: SOURCE, messages: [{ value: "x", partition: 1 }] });
    const tool = async (...args: string[]): Promise<string> => {
      const server = ["--bootstrap-server", broker];
      const className = "org.apache.kafka.tools.TransactionsCommand";
      const { code, stdout, stderr } = await runKafkaTool(className, [...server, ...args]);
      expect(code, stderr + stdout).toBe(0);
      return stdout;
    };
    expect(await tool("list")).toMatch(/^open\s+1\s+\d+\s+Ongoing/m);
    const described = await tool("describe", "--transactional-id", "open");
    expect(described).toContain(`Ongoing`);
    expect(described).toContain(`${SOURCE}-1`);
    const producers = await tool("describe-producers", "--topic", SOURCE, "--partition", "1");
    expect(producers).toMatch(/^\d+\s+0\s+0\s+/m);
    await tool("forceTerminateTransaction", "--transactionalId", "open");
    expect(await tool("list")).toMatch(/^open\s+1\s+\d+\s+Empty/m);
    await expect(transaction.commit()).rejects.toThrow();
    await producer.disconnect();
  });
});
