/**
 * Apache Kafka's own command line tools, the Java client within, against a real gateway: what an
 * operator types who knows Kafka and has never heard of Tributary.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import type { ToolResult } from "../support/kafka-runtime.ts";
import { type KafkaScript, KafkaTools } from "../support/kafka-tools.ts";
import { describeWithTools } from "../support/requirements.ts";

const CONSUMER = "kafka-console-consumer";
const GROUPS = "kafka-consumer-groups";
const CONFIGS = "kafka-configs";
const TOPIC = "orders";
const PARTITIONS = 3;
const GROUP = "console-readers";
const RECORDS = 60;

const LINES = Array.from({ length: RECORDS }, (_, nth) => `customer-${nth % 7}:order ${nth}`);

describeWithTools(["java", "javac", "mvn"], "Kafka's console tools", () => {
  let folder: string;
  let gateway: GatewayProcess;
  let tools: KafkaTools;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-console-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    gateway = new GatewayProcess({ data: join(folder, "data"), mqttPort, kafkaPort, httpPort });
    await gateway.ready();
    tools = await KafkaTools.start(folder);
  });

  afterAll(async () => {
    await tools.stop();
    await gateway.kill();
    await rm(folder, { recursive: true });
  });

  /** Runs a tool that must succeed; answers the lines it printed. */
  async function tool(script: KafkaScript, args: readonly string[], input = ""): Promise<string[]> {
    const result = await run(script, args, input);
    if (result.code !== 0) {
      throw new Error(`${script} ended with ${result.code}: ${result.stdout}${result.stderr}`);
    }
    return result.stdout.split("\n").filter((line) => line.trim() !== "");
  }

  async function run(
    script: KafkaScript,
    args: readonly string[],
    input = "",
  ): Promise<ToolResult> {
    const server = ["--bootstrap-server", `127.0.0.1:${gateway.place.kafkaPort}`];
    return await tools.run(script, [...server, ...args], input);
  }

  it("kafka-topics creates a topic, describes and lists it", async () => {
    const wanted = ["--topic", TOPIC, "--partitions", `${PARTITIONS}`, "--replication-factor", "1"];
    const created = await tool("kafka-topics", ["--create", ...wanted]);
    expect(created).toContain(`Created topic ${TOPIC}.`);
    const [summary = "", ...partitions] = await tool("kafka-topics", [
      ...["--describe", "--topic", TOPIC],
    ]);
    expect(summary).toContain(`PartitionCount: ${PARTITIONS}`);
    expect(summary).toContain("ReplicationFactor: 1");
    expect(partitions).toHaveLength(PARTITIONS);
    expect(await tool("kafka-topics", ["--list"])).toContain(TOPIC);
    const again = await run("kafka-topics", ["--create", ...wanted]);
    expect(again.code).not.toBe(0);
    expect(again.stdout + again.stderr).toContain("TopicExistsException");
  });

  it("kafka-console-producer writes, idempotently as it does by default", async () => {
    const keyed = ["parse.key=true", "key.separator=:"];
    await tool(
      "kafka-console-producer",
      ["--topic", TOPIC, ...keyed.flatMap((each) => ["--reader-property", each])],
      LINES.map((line) => `${line}\n`).join(""),
    );
    expect(await gateway.metric("tributary_topic_records_accepted_total")).toBe(RECORDS);
  });

  it("kafka-get-offsets lists the earliest and the latest offsets", async () => {
    const earliest = offsets(await tool("kafka-get-offsets", ["--topic", TOPIC, "--time", "-2"]));
    expect(earliest).toEqual([0, 0, 0]);
    const latest = offsets(await tool("kafka-get-offsets", ["--topic", TOPIC]));
    expect(latest).toHaveLength(PARTITIONS);
    expect(sum(latest)).toBe(RECORDS);
    const future = `${Date.now() + 3_600_000}`;
    const later = await tool("kafka-get-offsets", ["--topic", TOPIC, "--time", future]);
    expect(sum(offsets(later))).toBe(0);
  });

  it("kafka-console-consumer reads all from the beginning in a group, each key's records in order", async () => {
    const lines = await tool(CONSUMER, [
      ...["--topic", TOPIC, "--from-beginning", "--group", GROUP],
      ...["--max-messages", `${RECORDS}`, "--timeout-ms", "30000"],
      ...["--formatter-property", "print.key=true", "--formatter-property", "key.separator=:"],
    ]);
    expect(byKey(lines)).toEqual(byKey(LINES));
  });

  it("kafka-consumer-groups lists and describes the group: everything committed, no lag", async () => {
    expect(await tool(GROUPS, ["--list"])).toEqual([GROUP]);
    const [header = "", ...rows] = await tool(GROUPS, [...["--describe", "--group", GROUP]]);
    expect(header).toMatch(/GROUP\s+TOPIC\s+PARTITION\s+CURRENT-OFFSET\s+LOG-END-OFFSET\s+LAG/);
    const columns = rows.map((row) => row.trim().split(/\s+/));
    expect(columns).toHaveLength(PARTITIONS);
    expect(sum(columns.map(([, , , current]) => Number(current)))).toBe(RECORDS);
    expect(columns.map(([, , , , , lag]) => lag)).toEqual(["0", "0", "0"]);
  });

  it("kafka-consumer-groups sets the group back, and the consumer goes on from there", async () => {
    await tool(GROUPS, [
      ...["--reset-offsets", "--group", GROUP, "--topic", TOPIC, "--to-earliest", "--execute"],
    ]);
    const lines = await tool(CONSUMER, [
      ...["--topic", TOPIC, "--group", GROUP, "--max-messages", `${RECORDS}`],
      ...["--timeout-ms", "30000"],
    ]);
    expect(lines).toHaveLength(RECORDS);
    await tool(GROUPS, ["--delete", "--group", GROUP]);
    expect(await tool(GROUPS, ["--list"])).toEqual([]);
  });

  const ofTopic = ["--entity-type", "topics", "--entity-name", TOPIC];

  it("kafka-configs sets the settings of a topic, describes them, and takes them back", async () => {
    const alter = (...args: string[]) => tool(CONFIGS, ["--alter", ...ofTopic, ...args]);
    await alter("--add-config", "retention.ms=3600000,min.insync.replicas=2,segment.ms=60000");
    const described = await tool(CONFIGS, ["--describe", ...ofTopic]);
    expect(described.map((line) => line.trim().split(" ")[0])).toEqual(
      expect.arrayContaining(["retention.ms=3600000", "min.insync.replicas=2", "segment.ms=60000"]),
    );
    expect(described.join("\n")).toMatch(
      /retention\.ms=3600000 .*DYNAMIC_TOPIC_CONFIG:retention\.ms=3600000, DEFAULT_CONFIG:log\.retention\.ms=604800000/,
    );
    const [summary] = await tool("kafka-topics", ["--describe", "--topic", TOPIC]);
    expect(summary).toContain("min.insync.replicas=2");
    await alter("--delete-config", "retention.ms,min.insync.replicas,segment.ms");
    const [, ...rest] = await tool(CONFIGS, ["--describe", ...ofTopic]);
    expect(rest).toEqual([]);
    const wrong = await run(CONFIGS, ["--alter", ...ofTopic, "--add-config", "retention.ms=soon"]);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stdout + wrong.stderr).toContain("must be a whole number");
  });

  it("kafka-configs sets quotas of client ids and users, describes them, and takes them back", async () => {
    const replay = ["--entity-type", "clients", "--entity-name", "replay"];
    await tool(CONFIGS, ["--alter", ...replay, "--add-config", "consumer_byte_rate=1048576"]);
    const everybody = ["--entity-type", "users", "--entity-default"];
    await tool(CONFIGS, ["--alter", ...everybody, "--add-config", "producer_byte_rate=2097152"]);
    expect(await tool(CONFIGS, ["--describe", "--entity-type", "clients"])).toEqual([
      "Quota configs for client-id 'replay' are consumer_byte_rate=1048576.0",
    ]);
    expect(await tool(CONFIGS, ["--describe", ...everybody])).toEqual([
      "Quota configs for the default user-principal are producer_byte_rate=2097152.0",
    ]);
    await tool(CONFIGS, ["--alter", ...replay, "--delete-config", "consumer_byte_rate"]);
    await tool(CONFIGS, ["--alter", ...everybody, "--delete-config", "producer_byte_rate"]);
    expect(await tool(CONFIGS, ["--describe", "--entity-type", "clients"])).toEqual([]);
    const unknown = ["--alter", ...replay, "--add-config", "request_percentage=10"];
    const refused = await run(CONFIGS, unknown);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("request_percentage is no quota here");
  });

  it("kafka-configs describes the broker, whose settings are not its to change", async () => {
    const ofBroker = ["--entity-type", "brokers", "--entity-name", "1"];
    const all = await tool(CONFIGS, ["--describe", "--all", ...ofBroker]);
    expect(all.join("\n")).toContain("num.partitions=4");
    const refused = await run(CONFIGS, [
      ...["--alter", ...ofBroker, "--add-config", "log.retention.ms=1"],
    ]);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("change its configuration");
  });

  it("kafka-topics gives the topic more partitions, and a producer uses them", async () => {
    const more = `${PARTITIONS + 3}`;
    await tool("kafka-topics", ["--alter", "--topic", TOPIC, "--partitions", more]);
    const [summary] = await tool("kafka-topics", ["--describe", "--topic", TOPIC]);
    expect(summary).toContain(`PartitionCount: ${more}`);
    const fewer = ["--alter", "--topic", TOPIC, "--partitions", `${PARTITIONS}`];
    expect((await run("kafka-topics", fewer)).code).not.toBe(0);
    const lines = Array.from({ length: RECORDS }, (_, nth) => `key ${nth}:later ${nth}`);
    const keyed = ["parse.key=true", "key.separator=:"];
    await tool(
      "kafka-console-producer",
      ["--topic", TOPIC, ...keyed.flatMap((each) => ["--reader-property", each])],
      lines.map((line) => `${line}\n`).join(""),
    );
    const latest = offsets(await tool("kafka-get-offsets", ["--topic", TOPIC]));
    expect(sum(latest)).toBe(2 * RECORDS);
    expect(latest.slice(PARTITIONS).every((end) => end > 0)).toBe(true);
  });

  it("kafka-delete-records deletes below an offset, and all there is", async () => {
    const file = join(folder, "records.json");
    const partitions = [
      { topic: TOPIC, partition: 0, offset: 2 },
      { topic: TOPIC, partition: 1, offset: -1 },
    ];
    await writeFile(file, JSON.stringify({ partitions, version: 1 }));
    const told = await tool("kafka-delete-records", ["--offset-json-file", file]);
    expect(told.join("\n")).toMatch(/partition: orders-0\s+low_watermark: 2/);
    const earliest = offsets(await tool("kafka-get-offsets", ["--topic", TOPIC, "--time", "-2"]));
    const latest = offsets(await tool("kafka-get-offsets", ["--topic", TOPIC]));
    expect(earliest).toEqual([2, latest[1], 0, 0, 0, 0]);
    const lines = await tool(CONSUMER, [
      ...["--topic", TOPIC, "--from-beginning", "--timeout-ms", "8000"],
      ...["--max-messages", `${sum(latest) - sum(earliest)}`],
    ]);
    expect(lines).toHaveLength(sum(latest) - sum(earliest));
  });

  it("kafka-log-dirs tells the bytes of each partition", async () => {
    const told = await tool("kafka-log-dirs", ["--describe", "--topic-list", TOPIC]);
    const [broker] = JSON.parse(told.at(-1) ?? "").brokers;
    expect(broker.broker).toBe(1);
    const sizes = broker.logDirs[0].partitions.map(({ size }: { size: number }) => size);
    expect(sizes).toHaveLength(PARTITIONS + 3);
    expect(sizes.every((size: number) => size > 0)).toBe(true);
  });

  it("kafka-topics deletes the topic", async () => {
    await tool("kafka-topics", ["--delete", "--topic", TOPIC]);
    expect(await tool("kafka-topics", ["--list"])).not.toContain(TOPIC);
  });
});

/** The last column of `TOPIC:PARTITION:OFFSET`; a partition without an answer counts as 0. */
function offsets(lines: readonly string[]): number[] {
  return lines.map((line) => Number(line.split(":")[2] ?? 0));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function byKey(lines: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const line of lines) {
    const [key = "", value = ""] = line.split(":");
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return new Map([...values].sort(([one], [other]) => one.localeCompare(other)));
}
