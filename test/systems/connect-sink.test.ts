/**
 * A Kafka Connect worker with Apache Kafka's file sink reads a topic from a gateway, which is killed
 * meanwhile: every record is in the file, in its partition's order. A sink connector may write again
 * what it had not committed, so some may be there twice.
 */
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithTools } from "../support/requirements.ts";
import { ReadingsGateway } from "./support/gateway.ts";
import { connectClassPath, LOGGING } from "./support/jars.ts";
import type { JavaProcess } from "./support/java-process.ts";
import { numberOf, PARTITIONS, RECORDS, reading, TOPIC } from "./support/readings.ts";

const TIMEOUT_MS = 240_000;
const POLL_MS = 500;

describeWithTools(["java", "javac", "mvn"], "Kafka Connect's file sink", () => {
  let gateway: ReadingsGateway;
  let worker: JavaProcess;
  const inFolder = (name: string) => join(gateway.folder, name);

  beforeAll(async () => {
    gateway = await ReadingsGateway.start();
    await writeFile(inFolder("worker.properties"), workerProperties());
    await writeFile(inFolder("sink.properties"), sinkProperties());
    worker = gateway.run({
      classPath: await connectClassPath(),
      mainClass: "org.apache.kafka.connect.cli.ConnectStandalone",
      args: [inFolder("worker.properties"), inFolder("sink.properties")],
      flags: ["-Xmx512m", LOGGING],
    });
  });

  afterAll(async () => await gateway.stop());

  function workerProperties(): string {
    return `bootstrap.servers=${gateway.address}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=${inFolder("connect.offsets")}
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:0
plugin.discovery=service_load
`;
  }

  function sinkProperties(): string {
    return `name=readings-to-file
connector.class=org.apache.kafka.connect.file.FileStreamSinkConnector
tasks.max=1
topics=${TOPIC}
file=${inFolder("readings.txt")}
`;
  }

  it("writes every record, each partition's in order, over a kill of the gateway", async () => {
    await until(async () => (await stat(inFolder("readings.txt"))).size > 0);
    await gateway.restartAndGoOn();
    await until(async () => (await readSink(inFolder("readings.txt"))).missing === 0);
    const { early, again } = await readSink(inFolder("readings.txt"));
    expect(early, "records ahead of one that comes before them").toBe(0);
    expect(again, "records written again").toBeLessThan(RECORDS / 2);
  });

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadlineMs) throw new Error(worker.lines.slice(-60).join("\n"));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
});

/** What the file has of all readings. Its last line may be half written: only whole ones are read. */
async function readSink(file: string) {
  const seen = new Uint8Array(RECORDS);
  const next = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  let [missing, again, early] = [RECORDS, 0, 0];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const n = numberOf(line);
    if (line !== reading(n).value) continue;
    if (seen[n] === 1) {
      again += 1;
      continue;
    }
    seen[n] = 1;
    missing -= 1;
    if (n === next[n % PARTITIONS]) next[n % PARTITIONS] = n + PARTITIONS;
    else early += 1;
  }
  return { missing, again, early };
}
