/**
 * Real consumers of committed records over a log with transactions of every kind, and the fetch
 * sessions that Java's keeps meanwhile.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { MarkerKind, Partition } from "../../src/log/contract.ts";
import { batchOf, transactionalBatch } from "../support/batches.ts";
import { runKafkaTool } from "../support/kafka-runtime.ts";
import { describeWithTools } from "../support/requirements.ts";
import { appended, ended } from "../support/transactions.ts";
import { TestBroker } from "../unit/kafka/test-broker.ts";

const COMMITTED = ["first", "between", "committed", "last"];
const ROUNDS = 50;

let broker: TestBroker;
let partition: Partition;

beforeEach(async () => {
  broker = await TestBroker.start();
  const { partitions } = await broker.log.createTopic("t", { partitions: 3 });
  partition = partitions[1] as Partition;
});

afterEach(() => broker.close());

const add = (batch: Buffer) => appended(broker.log, partition, batch);
const end = (producerId: bigint, kind: MarkerKind) =>
  ended(broker.log, partition, producerId, kind);

async function fill(): Promise<void> {
  await add(batchOf(["first"]));
  await add(transactionalBatch(1n, ["aborted 1", "aborted 2"]));
  await add(batchOf(["between"]));
  await add(transactionalBatch(2n, ["committed"]));
  await end(1n, "abort");
  await end(2n, "commit");
  await add(transactionalBatch(1n, ["aborted 3"]));
  await end(1n, "abort");
  await add(batchOf(["last"]));
  await add(transactionalBatch(3n, ["open"]));
  await add(batchOf(["behind"]));
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

const figure = (name: string) =>
  broker.server.metrics().find((sample) => sample.name === `tributary_kafka_${name}`)?.value ?? 0;

describeWithTools(["kcat"], "kcat", () => {
  it("shows what is committed, and no more", async () => {
    await fill();
    const committed = ["-X", "isolation.level=read_committed"];
    const args = ["-C", "-b", broker.address, "-t", "t", "-o", "beginning", "-e", "-q"];
    const { stdout } = await promisify(execFile)("kcat", [...args, ...committed]);
    expect(lines(stdout)).toEqual(COMMITTED);
  });
});

describeWithTools(["java", "mvn"], "Java's consumer", () => {
  async function consume(count: number) {
    const server = ["--bootstrap-server", broker.address];
    const which = ["--topic", "t", "--from-beginning", "--isolation-level", "read_committed"];
    const until = ["--max-messages", `${count}`, "--timeout-ms", "60000"];
    const tool = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    return await runKafkaTool(tool, [...server, ...which, ...until], {});
  }

  it("shows what is committed, and what an open transaction holds once that has ended", async () => {
    await fill();
    const consuming = consume(COMMITTED.length + 2);
    // It has read all it may, and waits.
    while (figure("fetch_sessions") === 0) await new Promise((next) => setTimeout(next, 20));
    await end(3n, "commit");
    expect(lines((await consuming).stdout)).toEqual([...COMMITTED, "open", "behind"]);
  });

  it("keeps a session while it consumes from several partitions, and closes it", async () => {
    const values = Array.from({ length: ROUNDS }, (_, nth) => `${nth}`);
    const consuming = consume(ROUNDS);
    while (figure("fetch_sessions") === 0) await new Promise((next) => setTimeout(next, 20));
    expect(figure("fetch_session_partitions")).toBe(3);
    for (const value of values) await add(batchOf([value]));
    expect(lines((await consuming).stdout)).toEqual(values);
    expect(figure("fetch_sessions")).toBe(0);
  });
});
