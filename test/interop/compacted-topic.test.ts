/**
 * A compacted topic, made, changed, filled and read by Apache Kafka's own tools, the Java client
 * within, and read by librdkafka's kcat: a table of the newest value of each key.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { type KafkaScript, KafkaTools } from "../support/kafka-tools.ts";
import { describeWithTools } from "../support/requirements.ts";

const TOPIC = "states";
const KEYS = 5;
const ROUNDS = 40;
/** The gateway looks every ten seconds what is to be compacted. */
const COMPACTED_MS_MAX = 40_000;

/** The value of each key in each round; the first key is deleted at the end. */
const LINES = Array.from(
  { length: KEYS * ROUNDS },
  (_, nth) => `key ${nth % KEYS}:value ${Math.floor(nth / KEYS)}`,
);
/** What is left: the newest of each key, the tombstone among them. */
const TABLE = [
  ...Array.from({ length: KEYS - 1 }, (_, nth) => `key ${nth + 1}:value ${ROUNDS - 1}`),
  "key 0:deleted",
];

describeWithTools(["java", "javac", "mvn", "kcat"], "a compacted topic", () => {
  let folder: string;
  let gateway: GatewayProcess;
  let tools: KafkaTools;
  let broker: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-compacted-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    gateway = new GatewayProcess({ data: join(folder, "data"), mqttPort, kafkaPort, httpPort });
    await gateway.ready();
    broker = `127.0.0.1:${kafkaPort}`;
    tools = await KafkaTools.start(folder);
  });

  afterAll(async () => {
    await tools.stop();
    await gateway.kill();
    await rm(folder, { recursive: true });
  });

  async function tool(script: KafkaScript, args: readonly string[], input = ""): Promise<string[]> {
    const result = await tools.run(script, ["--bootstrap-server", broker, ...args], input);
    if (result.code !== 0) throw new Error(`${script}: ${result.stdout}${result.stderr}`);
    return result.stdout.split("\n").filter((line) => line.trim() !== "");
  }

  const configured = (settings: string) =>
    tool("kafka-configs", [
      ...["--alter", "--entity-type", "topics", "--entity-name", TOPIC],
      ...["--add-config", settings],
    ]);

  async function consumed(): Promise<string[]> {
    return await tool("kafka-console-consumer", [
      ...["--topic", TOPIC, "--from-beginning", "--timeout-ms", "4000"],
      ...["--formatter-property", "print.key=true", "--formatter-property", "key.separator=:"],
      ...["--formatter-property", "null.literal=deleted"],
    ]);
  }

  it("is made by kafka-topics, and refuses records without a key", async () => {
    await tool("kafka-topics", [
      ...["--create", "--topic", TOPIC, "--partitions", "1"],
      ...["--config", "cleanup.policy=compact"],
    ]);
    const sent = await tools.run(
      "kafka-console-producer",
      ["--bootstrap-server", broker, "--topic", TOPIC],
      "no key\n",
    );
    expect(sent.stdout + sent.stderr).toContain("InvalidRecordException");
  });

  it("shows everything until it is compacted, and then the newest value of each key", async () => {
    const keyed = ["parse.key=true", "key.separator=:", "null.marker=deleted"];
    await tool(
      "kafka-console-producer",
      [...["--topic", TOPIC], ...keyed.flatMap((each) => ["--reader-property", each])],
      `${[...LINES, "key 0:deleted"].join("\n")}\n`,
    );
    expect(await consumed()).toHaveLength(LINES.length + 1);
    await configured("min.cleanable.dirty.ratio=0,max.compaction.lag.ms=1");
    await expect
      .poll(() => gateway.metric("tributary_topic_records_compacted_total"), {
        timeout: COMPACTED_MS_MAX,
        interval: 500,
      })
      .toBe(LINES.length + 1 - TABLE.length);
    expect(await consumed()).toEqual(TABLE);
  });

  it("reads the same by librdkafka, at the offsets that the records always had", async () => {
    const { stdout } = await promisify(execFile)("kcat", [
      ...["-b", broker, "-C", "-t", TOPIC, "-e", "-q", "-Z", "-f", "%o %k:%s\n"],
    ]);
    const first = KEYS * (ROUNDS - 1);
    expect(stdout.trim().split("\n")).toEqual(
      TABLE.map((line, nth) => `${first + 1 + nth} ${line.replace("deleted", "NULL")}`),
    );
  });

  it("is the same table after a kill", async () => {
    await gateway.kill();
    gateway = new GatewayProcess(gateway.place);
    await gateway.ready();
    expect(await consumed()).toEqual(TABLE);
  });
});
