/**
 * A Flink job (java/FlinkWindows.java) counts and sums 1,000,000 readings in windows of event time, by
 * Flink's Kafka connector, exactly once: the gateway is killed while it reads, and the job fails once.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithTools } from "../support/requirements.ts";
import { ReadingsGateway } from "./support/gateway.ts";
import { compiled, flinkClassPath, LOGGING, OPENED } from "./support/jars.ts";
import type { JavaProcess } from "./support/java-process.ts";
import { PARTITIONS, RECORDS, TOPIC, WINDOW_MS, windowsOf } from "./support/readings.ts";

const TIMEOUT_MS = 240_000;

describeWithTools(["java", "javac", "mvn"], "a Flink job", () => {
  let gateway: ReadingsGateway;
  let job: JavaProcess;

  beforeAll(async () => {
    gateway = await ReadingsGateway.start();
    const ofJob = [TOPIC, PARTITIONS, RECORDS / PARTITIONS, WINDOW_MS, 0.8 * RECORDS];
    job = gateway.run({
      classPath: await compiled("FlinkWindows", await flinkClassPath(), gateway.folder),
      mainClass: "FlinkWindows",
      args: [gateway.address, ...ofJob.map(String), join(gateway.folder, "checkpoints")],
      flags: ["-Xmx1g", LOGGING, ...OPENED],
    });
  });

  afterAll(async () => await gateway.stop());

  it("finds every reading once, over a kill of the gateway and a failure of its own", async () => {
    await job.line(/^seen /, TIMEOUT_MS);
    await gateway.restartAndGoOn();
    await job.line(/^failing$/, TIMEOUT_MS);
    await job.line(/^done$/, TIMEOUT_MS);
    const windows = job.lines.flatMap((line) => line.match(/^window (.*)/)?.slice(1) ?? []);
    expect(windows.sort()).toEqual(windowsOf(RECORDS));
  });
});
