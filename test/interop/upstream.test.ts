/**
 * The forwarder against a real Apache Kafka cluster of three brokers, over links that fail. What
 * arrived is read back by Kafka's own console consumer.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { Log, Partition, Topic } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import {
  type Forwarder,
  type ForwarderOptions,
  startForwarder,
} from "../../src/upstream/forwarder.ts";
import { BatchBuilder, encodeHeaders } from "../../src/wire/batch-builder.ts";
import { compress } from "../../src/wire/compression.ts";
import { partitionForKey } from "../../src/wire/murmur2.ts";
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_CODECS,
  type CompressionCodec,
  writeHeader,
} from "../../src/wire/record-batch.ts";
import { type ConsumedRecord, countRecords, readTopic } from "../support/console-consumer.ts";
import { forgetfulLog } from "../support/forgetful-log.ts";
import { type KafkaCluster, startKafkaCluster } from "../support/kafka-cluster.ts";
import { readAll } from "../support/read-all.ts";
import { describeWithTools } from "../support/requirements.ts";

const PARTITIONS = 4;
const START_MS = 1_700_000_000_000;
const POLL_MS = 20;
const CATCH_UP_MS = 90_000;
const USERS = { ada: "correct-horse" };

describeWithTools(["java", "mvn"], "the forwarder and a cluster of three brokers", () => {
  let cluster: KafkaCluster;
  let directory: string;
  let log: Log;
  let forwarder: Forwarder | undefined;

  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 3, proxied: true, saslUsers: USERS });
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-upstream-"));
    log = await openLog(directory);
  });

  afterEach(async () => {
    await forwarder?.close();
    forwarder = undefined;
    await log.close();
    await rm(directory, { recursive: true, force: true });
  });

  function start(topic: string, changes: Partial<ForwarderOptions> = {}): Forwarder {
    forwarder = startForwarder({
      log,
      clock: systemClock,
      logger: silentLogger,
      gateway: "edge-1",
      brokers: cluster.bootstrap,
      topics: [{ topic }],
      ...changes,
      limits: {
        connectTimeoutMs: 1_000,
        requestTimeoutMs: 3_000,
        refusedRetryMs: 300,
        topicPollMs: 50,
        ...changes.limits,
      },
      backoff: { initialMs: 50, maxMs: 500 },
    });
    return forwarder;
  }

  it("delivers all of it once and in order while a broker dies and the link goes silent", async () => {
    const topic = await log.createTopic("outage", { partitions: PARTITIONS });
    const running = start("outage");
    const writer = new SteadyWriter(log, topic);
    await writer.write(2_000);
    await cluster.kill(0);
    await writer.write(4_000);
    await cluster.cut("blackhole");
    await writer.write(4_000);
    await until(() => running.status().link !== "connected");
    await cluster.restore();
    await writer.write(2_000);
    await cluster.cut("refuse");
    await writer.write(1_000);
    await until(() => running.status().link !== "connected");
    await cluster.restore();
    await Promise.all([cluster.restart(0), writer.write(2_000)]);
    await caughtUp(running);
    const arrived = await byPartition(cluster, "outage");
    for (const partition of topic.partitions) {
      expect(arrived.get(partition.index)).toEqual(await asConsumed(log, partition));
    }
  });

  it("repeats nothing after a crash that lost its newest checkpoints", async () => {
    const topic = await log.createTopic("crash", { partitions: PARTITIONS });
    const writer = new SteadyWriter(log, topic);
    await writer.write(1_000);
    const remembering = start("crash");
    await caughtUp(remembering);
    await remembering.close();
    const forgetting = start("crash", { log: forgetfulLog(log) });
    await writer.write(5_000);
    await caughtUp(forgetting);
    await forgetting.close();
    await writer.write(500);
    await caughtUp(start("crash"));
    const arrived = await byPartition(cluster, "crash");
    for (const partition of topic.partitions) {
      expect(arrived.get(partition.index)).toEqual(await asConsumed(log, partition));
    }
  });

  it("places records by key, each key's in order, where upstream has fewer partitions", async () => {
    await cluster.createTopic("narrow", { partitions: 2 });
    const topic = await log.createTopic("narrow", { partitions: PARTITIONS });
    const writer = new SteadyWriter(log, topic);
    await writer.write(3_000);
    await caughtUp(start("narrow"));
    const expected = new Map<string, ConsumedContent[]>();
    for (const partition of topic.partitions) {
      for (const record of await asConsumed(log, partition)) push(expected, record.key, record);
    }
    const arrived = new Map<string, ConsumedContent[]>();
    for (const [partition, records] of await byPartition(cluster, "narrow")) {
      for (const record of records) {
        push(arrived, record.key, record);
        expect(partitionForKey(Buffer.from(record.key), 2)).toBe(partition);
      }
    }
    expect(arrived).toEqual(expected);
  });

  it("takes apart batches that upstream finds too large, and says which record cannot pass", async () => {
    await cluster.createTopic("small", { partitions: 1, config: { "max.message.bytes": "20000" } });
    const topic = await log.createTopic("small", { partitions: 1 });
    const partition = topic.partitions[0] as Partition;
    const running = start("small");
    const group = log.group();
    for (let index = 0; index < 1_000; index++) {
      group.addRecord(partition, START_MS + index, null, Buffer.alloc(200, `${index} `));
    }
    group.addRecord(partition, START_MS, null, Buffer.alloc(30_000, "large"));
    group.addRecord(partition, START_MS, null, Buffer.from("last"));
    await group.flushed;
    await until(() => running.status().topics[0]?.partitions[0]?.state === "blocked");
    const lane = running.status().topics[0]?.partitions[0];
    expect(lane).toMatchObject({ nextOffset: 1_000, lagRecords: 2 });
    expect(lane?.problem).toMatchObject({ code: "RECORD_TOO_LARGE", reason: "MESSAGE_TOO_LARGE" });
    const changed = await cluster.tool("kafka.admin.ConfigCommand", [
      ...["--alter", "--entity-type", "topics", "--entity-name", "small"],
      ...["--add-config", "max.message.bytes=50000"],
    ]);
    expect(changed.stderr + changed.code).toContain("0");
    await caughtUp(running);
    const arrived = await byPartition(cluster, "small");
    expect(arrived.get(0)).toEqual(await asConsumed(log, partition));
  });

  it("signs in with SCRAM, and says so when its password is refused", async () => {
    const topic = await log.createTopic("secret", { partitions: 1 });
    const sasl = { mechanism: "SCRAM-SHA-512", username: "ada" } as const;
    const refused = start("secret", {
      brokers: cluster.sasl,
      sasl: { ...sasl, password: "wrong" },
    });
    await until(() => refused.status().link === "refused");
    expect(refused.status().problem).toMatchObject({
      code: "UPSTREAM_REFUSED",
      reason: "SASL_AUTHENTICATION_FAILED",
    });
    expect(JSON.stringify(refused.status())).not.toContain("wrong");
    await refused.close();
    const group = log.group();
    group.addRecord(topic.partitions[0] as Partition, START_MS, null, Buffer.from("hush"));
    await group.flushed;
    await caughtUp(
      start("secret", { brokers: cluster.sasl, sasl: { ...sasl, password: USERS.ada } }),
    );
    expect(await countRecords(cluster, "secret")).toBe(1);
  });
});

type ConsumedContent = Omit<ConsumedRecord, "offset" | "partition">;

/** Writes numbered records: singly, and in batches of every compression. */
class SteadyWriter {
  readonly #log: Log;
  readonly #topic: Topic;
  #written = 0;

  constructor(log: Log, topic: Topic) {
    this.#log = log;
    this.#topic = topic;
  }

  async write(count: number): Promise<void> {
    const end = this.#written + count;
    while (this.#written < end) {
      const group = this.#log.group();
      for (let left = Math.min(100, end - this.#written); left > 0; left--) {
        const record = numbered(this.#written++);
        const partition = this.#topic.partitions[
          partitionForKey(record.key, PARTITIONS)
        ] as Partition;
        group.addRecord(partition, record.timeMs, record.key, record.value, record.headers);
      }
      const codec = COMPRESSION_CODECS[(this.#written / 100) % COMPRESSION_CODECS.length] ?? "none";
      const partition = this.#topic.partitions[0] as Partition;
      group.addBatch(partition, batchIn(codec, this.#written));
      await group.flushed;
    }
  }
}

const FIRST_PARTITION_KEY = (() => {
  for (let index = 0; ; index++) {
    if (partitionForKey(Buffer.from(`key-${index}`), PARTITIONS) === 0) return `key-${index}`;
  }
})();

function numbered(index: number) {
  return {
    // Devices' clocks jump: forward, and back.
    timeMs: START_MS + (index % 7) * 1_000_000 - (index % 3) * 500_000,
    key: Buffer.from(`device-${index % 37}`),
    value: Buffer.from(`record ${index}`),
    headers: encodeHeaders([{ key: Buffer.from("n"), value: Buffer.from(String(index)) }]),
  };
}

function batchIn(codec: CompressionCodec, number: number): Buffer {
  const builder = new BatchBuilder();
  for (let index = 0; index < 3; index++) {
    const value = Buffer.from(`${codec} ${number}.${index} ${"x".repeat(50)}`);
    builder.add(START_MS + number + index, Buffer.from(FIRST_PARTITION_KEY), value);
  }
  const plain = builder.finish();
  const section = compress(codec, plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), section]);
  writeHeader(batch, {
    attributes: COMPRESSION_CODECS.indexOf(codec),
    lastOffsetDelta: 2,
    baseTimestampMs: START_MS + number,
    maxTimestampMs: START_MS + number + 2,
    // As an edge producer left them; the forwarder's own must replace them.
    producerId: 77n,
    producerEpoch: 3,
    baseSequence: 1_000,
    recordCount: 3,
  });
  return batch;
}

async function byPartition(
  cluster: KafkaCluster,
  topic: string,
): Promise<Map<number, ConsumedContent[]>> {
  const found = new Map<number, ConsumedContent[]>();
  for (const { partition, offset: _offset, ...content } of await readTopic(cluster, topic)) {
    push(found, partition, content);
  }
  return found;
}

async function asConsumed(log: Log, partition: Partition): Promise<ConsumedContent[]> {
  const all = await readAll(log, partition);
  return all.map(({ timestampMs, key, value, headers }) => ({
    timestampMs,
    headers: headers.map((header) => `${header.key}:${header.value}`).join(",") || "NO_HEADERS",
    key: key?.toString() ?? "null",
    value: value?.toString() ?? "null",
  }));
}

function push<K>(lists: Map<K, ConsumedContent[]>, key: K, content: ConsumedContent): void {
  const { timestampMs, headers, value } = content;
  const list = lists.get(key) ?? [];
  list.push({ timestampMs, headers, key: content.key, value });
  lists.set(key, list);
}

async function caughtUp(forwarder: Forwarder): Promise<void> {
  await until(() => {
    const { topics } = forwarder.status();
    return topics.length > 0 && topics.every(({ lagRecords }) => lagRecords === 0);
  });
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + CATCH_UP_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not so after ${CATCH_UP_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
