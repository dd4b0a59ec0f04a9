/**
 * SIGKILL under transactions and groups: readers of committed records see each committed one once and
 * no aborted one, what a transaction commits for a group is there with its records or not at all, and
 * no group goes backwards. `TEST_KILL_ROUNDS` sets how often.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { replayed } from "../support/replayed.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { TransactionalCopier } from "./support/transactional-copier.ts";

const ROUNDS = Number(process.env["TEST_KILL_ROUNDS"] ?? 10);
const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
const TOPIC = "copied";
const PARTITIONS = 3;
const READERS = 2;
const READ_MS_MAX = 60_000;

test(`read_committed is exact after ${ROUNDS} rounds of SIGKILL (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "tributary-kill-groups-"));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const options = ["--log-segment-bytes", "1MiB", "--log-disk-budget-bytes", "4GiB"];
  const place: GatewayPlace = {
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options,
  };
  let gateway = new GatewayProcess(place);
  await gateway.ready();
  const kafka = kafkaAt(kafkaPort);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });

  const copiers = Array.from(
    { length: PARTITIONS },
    (_, partition) =>
      new TransactionalCopier({
        port: kafkaPort,
        topic: TOPIC,
        partition,
        group: "copiers",
        random,
      }),
  );
  const seen = new Set<string>();
  const readers = await Promise.all(
    Array.from({ length: READERS }, () =>
      startReader(kafka, "readers", (value) => seen.add(value)),
    ),
  );
  const committed = Array.from({ length: PARTITIONS }, () => -1);
  const backwards: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await pause(200 + random() * 800);
    await gateway.kill();
    gateway = new GatewayProcess(place);
    await gateway.ready();
    const [of] = await admin.fetchOffsets({ groupId: "readers", topics: [TOPIC] });
    for (const { partition, offset } of of?.partitions ?? []) {
      const before = committed[partition] ?? -1;
      if (Number(offset) < before) backwards.push(`${partition}: ${offset} after ${before}`);
      committed[partition] = Number(offset);
    }
  }
  await Promise.all(copiers.map((copier) => copier.finish()));

  const replay: string[] = [];
  for await (const { value } of replayed(gateway.url, TOPIC)) replay.push(value);
  const witnessed: string[] = [];
  const witness = await startReader(kafka, "witness", (value) => witnessed.push(value));
  const patience = { timeout: READ_MS_MAX, interval: 100 };
  await expect.poll(() => witnessed.length, patience).toBeGreaterThanOrEqual(replay.length);
  await expect.poll(() => seen.size, patience).toBe(new Set(replay).size);
  const ends = await admin.fetchOffsets({ groupId: "copiers-0", topics: [TOPIC] });
  await Promise.all([witness, ...readers].map((reader) => reader.disconnect()));
  await admin.disconnect();
  await gateway.terminate();
  await rm(folder, { recursive: true });

  const sum = (of: (copier: TransactionalCopier) => number) =>
    copiers.reduce((total, copier) => total + of(copier), 0);
  console.log(
    `${sum(({ commits }) => commits)} commits and ${sum(({ aborts }) => aborts)} aborts were ` +
      `acknowledged, ${sum(({ doubts }) => doubts)} of them when they were asked for again; ` +
      `${replay.length} records are committed`,
  );
  expect(sum(({ commits }) => commits)).toBeGreaterThan(ROUNDS);
  expect(sum(({ aborts }) => aborts)).toBeGreaterThan(ROUNDS);
  expect(copiers.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(backwards).toEqual([]);
  expect(committed.some((offset) => offset > 0)).toBe(true);
  expect(witnessed.toSorted()).toEqual(replay.toSorted());
  const end = Number(ends[0]?.partitions.find(({ partition }) => partition === 0)?.offset);
  for (const [partition, { acknowledged }] of copiers.entries()) {
    const numbers = numbersOf(replay, partition);
    expect(numbers).toEqual(numbers.map((_, at) => at));
    expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
    if (partition === 0) expect(numbers.length).toBe(end);
  }
});

/** What was written to a partition, in order; anything but a committed number has no place there. */
function numbersOf(values: readonly string[], partition: number): number[] {
  return values.flatMap((value) => {
    const [word, place = ""] = value.split(" ");
    const [index, number] = place.split(":");
    if (Number(index) !== partition) return [];
    return [word === "committed" ? Number(number) : Number.NaN];
  });
}

function kafkaAt(port: number): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    retry: { retries: 10_000, initialRetryTime: 20, maxRetryTime: 200 },
  });
}

/** A member of a group that reads committed records, and commits often. */
async function startReader(
  kafka: Kafka,
  groupId: string,
  read: (value: string) => void,
): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: async ({ message }) => read(String(message.value)),
  });
  return consumer;
}
