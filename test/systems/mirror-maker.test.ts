/**
 * MirrorMaker 2, Apache Kafka's own, mirrors a topic from a gateway to a real Kafka cluster: every
 * record once and in its place, over a kill of the gateway, and what a group has read with them.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ConsumedRecord, consumeTopic, countRecords } from "../support/console-consumer.ts";
import { type KafkaCluster, startKafkaCluster } from "../support/kafka-cluster.ts";
import { runKafkaTool } from "../support/kafka-runtime.ts";
import { describeWithTools } from "../support/requirements.ts";
import { ReadingsGateway } from "./support/gateway.ts";
import { connectClassPath, LOGGING } from "./support/jars.ts";
import type { JavaProcess } from "./support/java-process.ts";
import { PARTITIONS, RECORDS, reading, TOPIC } from "./support/readings.ts";

const MIRRORED = `edge.${TOPIC}`;
const GROUP = "dashboard";
const GROUP_READ = 40_000;
const WRONG_SHOWN = 5;
const TIMEOUT_MS = 240_000;

describeWithTools(["java", "javac", "mvn"], "MirrorMaker 2", () => {
  let gateway: ReadingsGateway;
  let centre: KafkaCluster;
  let mirror: JavaProcess;

  beforeAll(async () => {
    [gateway, centre] = await Promise.all([ReadingsGateway.start(), startKafkaCluster()]);
  });

  afterAll(async () => {
    await Promise.all([gateway.stop(), centre.stop()]);
  });

  async function startMirror(): Promise<void> {
    const [{ host, port } = { host: "", port: 0 }] = centre.direct;
    const file = join(gateway.folder, "mm2.properties");
    await writeFile(file, configuration(gateway.address, `${host}:${port}`));
    mirror = gateway.run({
      classPath: await connectClassPath(),
      mainClass: "org.apache.kafka.connect.mirror.MirrorMaker",
      args: [file],
      flags: ["-Xmx512m", LOGGING],
    });
  }

  async function mirrored(atLeast: number): Promise<void> {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    while ((await countRecords(centre, MIRRORED).catch(() => 0)) < atLeast) {
      if (performance.now() > deadlineMs) {
        throw new Error(`not ${atLeast} records mirrored:\n${mirror.lines.slice(-60).join("\n")}`);
      }
    }
  }

  it("mirrors what is there, while a group reads it on the gateway", async () => {
    const read = await runKafkaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", gateway.address, "--topic", TOPIC, "--group", GROUP],
      ...["--from-beginning", "--max-messages", `${GROUP_READ}`],
    ]);
    expect(read.stdout.trim().split("\n")).toHaveLength(GROUP_READ);
    await startMirror();
    await mirrored(1);
  });

  it("goes on after the gateway was killed, until all is there", async () => {
    await gateway.restartAndGoOn();
    await mirrored(RECORDS);
  });

  it("has mirrored every record once, in order, with its key and its time", async () => {
    const next = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const wrong: ConsumedRecord[] = [];
    const look = (record: ConsumedRecord) => {
      const n = next[record.partition] ?? -1;
      next[record.partition] = n + PARTITIONS;
      const { key, value, timestampMs } = reading(n);
      const same =
        record.value === value && record.key === key && record.timestampMs === timestampMs;
      if (!same && wrong.length < WRONG_SHOWN) wrong.push(record);
    };
    await consumeTopic(centre, MIRRORED, look, TIMEOUT_MS);
    expect(wrong).toEqual([]);
    expect(next).toEqual([0, 1, 2, 3].map((partition) => RECORDS + partition));
  });

  it("has taken the group's offsets with it, to where the mirrored records are", async () => {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    let committed = 0;
    while (committed < 1 && performance.now() < deadlineMs) {
      const described = await centre.tool(
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        ["--describe", "--group", GROUP],
      );
      const offsets = [...described.stdout.matchAll(/^dashboard\s+\S+\s+\d+\s+(\d+)/gm)];
      committed = offsets.reduce((sum, [, offset]) => sum + Number(offset), 0);
    }
    // Translated offsets are exact at the records that were synced, and never beyond what was read.
    expect(committed).toBeGreaterThan(0);
    expect(committed).toBeLessThanOrEqual(GROUP_READ);
  });
});

function configuration(edge: string, centre: string): string {
  return `clusters = edge, centre
edge.bootstrap.servers = ${edge}
centre.bootstrap.servers = ${centre}
edge->centre.enabled = true
edge->centre.topics = ${TOPIC}
edge->centre.groups = ${GROUP}
centre->edge.enabled = false
replication.factor = 1
checkpoints.topic.replication.factor = 1
heartbeats.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
offset.flush.interval.ms = 1000
emit.checkpoints.interval.seconds = 2
sync.group.offsets.enabled = true
sync.group.offsets.interval.seconds = 2
refresh.topics.interval.seconds = 5
refresh.groups.interval.seconds = 5
`;
}
