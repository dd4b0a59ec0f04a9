/**
 * Real clients against the Kafka listener, over a log in memory: each writes in every compression it
 * has, and reads it back from an offset and from a time.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type CompressionAlgorithmValue, Consumer, Producer } from "@platformatic/kafka";
import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPRESSION_CODECS, type CompressionCodec } from "../../src/wire/record-batch.ts";
import { valuesOf } from "../support/read-all.ts";
import { describeWithTools, type Tool } from "../support/requirements.ts";
import { TestBroker } from "../unit/kafka/test-broker.ts";
import { missingConfluent } from "./members/group-member.ts";

const RECORDS = 200;
const PYTHON = "/usr/bin/python3";
const MEMBERS = join(import.meta.dirname, "members");

let broker: TestBroker;

beforeAll(async () => {
  broker = await TestBroker.start({ defaultPartitions: 1 });
});

afterAll(async () => {
  await broker.close();
});

interface Client {
  readonly name: string;
  readonly needs: readonly Tool[];
  /** Why it cannot run here although its program can; undefined where it can. */
  readonly missing?: () => string | undefined;
  readonly codecs: readonly CompressionCodec[];
  write(topic: string, codec: CompressionCodec, values: readonly string[]): Promise<void>;
  /** The first `count` values of partition 0, from an offset or a time on. */
  read(
    topic: string,
    count: number,
    from: { offset: number } | { timeMs: number },
  ): Promise<string[]>;
}

const kafkajs: Client = {
  name: "kafkajs",
  needs: [],
  codecs: ["none", "gzip"],
  async write(topic, codec, values) {
    const producer = kafka().producer({ idempotent: true });
    await producer.connect();
    const compression = codec === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None;
    await producer.send({ topic, compression, messages: values.map((value) => ({ value })) });
    await producer.disconnect();
  },
  async read(topic, count, from) {
    let offset = "offset" in from ? String(from.offset) : "";
    if ("timeMs" in from) {
      const admin = kafka().admin();
      const [found] = await admin.fetchTopicOffsetsByTimestamp(topic, from.timeMs);
      offset = found?.offset ?? "";
      await admin.disconnect();
    }
    const consumer = kafka().consumer({ groupId: `kafkajs-${topic}`, sessionTimeout: 6_000 });
    const values: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ message }) => {
            if (Number(message.offset) < Number(offset)) return;
            values.push(message.value?.toString() ?? "");
            if (values.length === count) resolve();
          },
        })
        .catch(reject);
      consumer.seek({ topic, partition: 0, offset });
    });
    await consumer.disconnect();
    return values;
  },
};

const platformatic: Client = {
  name: "@platformatic/kafka",
  needs: [],
  codecs: COMPRESSION_CODECS,
  async write(topic, codec, values) {
    const producer = new Producer({
      clientId: "writer",
      bootstrapBrokers: [broker.address],
      idempotent: true,
      autocreateTopics: true,
      ...(codec !== "none" && { compression: codec as CompressionAlgorithmValue }),
    });
    await producer.send({
      messages: values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) })),
    });
    await producer.close();
  },
  async read(topic, count, from) {
    const groupId = `platformatic-${topic}`;
    const consumer = new Consumer({
      clientId: "reader",
      groupId,
      bootstrapBrokers: [broker.address],
      maxWaitTime: 500,
    });
    let offset = "offset" in from ? BigInt(from.offset) : 0n;
    if ("timeMs" in from) {
      const timestamp = BigInt(from.timeMs);
      const found = await consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp });
      offset = found.get(topic)?.get(0)?.offset ?? -1n;
    }
    const stream = await consumer.consume({
      topics: [topic],
      mode: "manual",
      offsets: [{ topic, partition: 0, offset }],
      autocommit: false,
    });
    const values: string[] = [];
    for await (const { value } of stream) {
      values.push(value.toString());
      if (values.length === count) break;
    }
    await consumer.close(true);
    return values;
  },
};

const kcat: Client = {
  name: "kcat (librdkafka 2.0)",
  needs: ["kcat"],
  codecs: COMPRESSION_CODECS,
  async write(topic, codec, values) {
    const settings = ["-X", "enable.idempotence=true", "-z", codec];
    await run(["kcat", "-b", broker.address, "-P", "-t", topic, "-p", "0", ...settings], values);
  },
  async read(topic, count, from) {
    const start = "offset" in from ? `${from.offset}` : `s@${from.timeMs}`;
    const place = ["-t", topic, "-p", "0", "-o", start, "-c", `${count}`];
    return await run(["kcat", "-b", broker.address, "-C", ...place]);
  },
};

const confluent: Client = {
  name: "confluent_kafka (Python)",
  needs: ["python3"],
  missing: missingConfluent,
  codecs: COMPRESSION_CODECS,
  async write(topic, codec, values) {
    await run([PYTHON, join(MEMBERS, "confluent-writer.py"), broker.address, topic, codec], values);
  },
  async read(topic, count, from) {
    const script = [PYTHON, join(MEMBERS, "confluent-reader.py"), broker.address, topic];
    if ("timeMs" in from) return await run([...script, `${count}`, `${from.timeMs}`]);
    return (await run([...script, `${from.offset + count}`])).slice(from.offset);
  },
};

const CLIENTS = [kafkajs, platformatic, kcat, confluent];

for (const client of CLIENTS) {
  describeWithTools(client.needs, client.name, () => {
    for (const codec of client.codecs) {
      it(`writes with ${codec}, once and in order, and reads it as @platformatic/kafka does`, async (context) => {
        const missing = client.missing?.();
        if (missing !== undefined) return context.skip(`needs ${missing}`);
        const topic = `${client.name.replaceAll(/[^a-z]/g, "")}-${codec}`;
        await broker.log.createTopic(topic, { partitions: 1 });
        const values = Array.from(
          { length: RECORDS },
          (_, at) => `${codec}-${at}-${"x".repeat(at)}`,
        );
        await client.write(topic, codec, values);
        const [partition] = broker.log.topic(topic)?.partitions ?? [];
        if (partition === undefined) throw new Error("no partition");
        expect(await valuesOf(broker.log, partition)).toEqual(values);
        expect(await platformatic.read(topic, 50, { offset: 150 })).toEqual(values.slice(150));
        expect(await client.read(topic, 50, { offset: 150 })).toEqual(values.slice(150));
      });
    }

    it("reads from a time", async (context) => {
      const missing = client.missing?.();
      if (missing !== undefined) return context.skip(`needs ${missing}`);
      const topic = `${client.name.replaceAll(/[^a-z]/g, "")}-times`;
      await broker.log.createTopic(topic, { partitions: 1 });
      const producer = kafka().producer();
      await producer.connect();
      const messages = Array.from({ length: 100 }, (_, at) => ({
        value: `v${at}`,
        timestamp: `${1_700_000_000_000 + at * 1000}`,
      }));
      await producer.send({ topic, messages });
      await producer.disconnect();
      const later = await client.read(topic, 40, { timeMs: 1_700_000_059_001 });
      expect(later).toEqual(messages.slice(60).map(({ value }) => value));
    });
  });
}

describe("kafkajs as an administrator", () => {
  it("creates, describes, lists and deletes topics", async () => {
    const admin = kafka().admin();
    await admin.createTopics({ topics: [{ topic: "made", numPartitions: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ["made"] });
    expect(topics[0]?.partitions).toHaveLength(3);
    const [described] = (
      await admin.describeConfigs({
        includeSynonyms: true,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: "made" }],
      })
    ).resources;
    expect(described?.configEntries.map(({ configName }) => configName)).toContain("retention.ms");
    expect(await admin.describeCluster()).toMatchObject({ clusterId: "edge", controller: 1 });
    await admin.deleteTopics({ topics: ["made"] });
    expect(await admin.listTopics()).not.toContain("made");
    await admin.disconnect();
  });
});

function kafka(): Kafka {
  return new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
}

/** Runs a program to its end; answers the lines it wrote. */
async function run(command: readonly string[], input: readonly string[] = []): Promise<string[]> {
  const [program = "", ...args] = command;
  const child: ChildProcess = spawn(program, args, { timeout: 60_000 });
  child.stdin?.end(input.map((line) => `${line}\n`).join(""));
  if (child.stdout === null || child.stderr === null) throw new Error("no output");
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaint}`);
  return output.split("\n").slice(0, -1);
}
