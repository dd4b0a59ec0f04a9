/**
 * A query of Spark Structured Streaming (java/SparkWindows.java) counts and sums 1,000,000 readings in
 * windows of event time, by Spark's Kafka source; the gateway is killed while it reads.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithTools } from "../support/requirements.ts";
import { ReadingsGateway } from "./support/gateway.ts";
import { compiled, LOGGING, OPENED, sparkClassPath } from "./support/jars.ts";
import type { JavaProcess } from "./support/java-process.ts";
import { RECORDS, TOPIC, WINDOW_MS, windowsOf } from "./support/readings.ts";

const TIMEOUT_MS = 240_000;

describeWithTools(["java", "javac", "mvn"], "a Spark query", () => {
  let gateway: ReadingsGateway;
  let query: JavaProcess;

  beforeAll(async () => {
    gateway = await ReadingsGateway.start();
    const ofQuery = [TOPIC, `${RECORDS}`, `${WINDOW_MS}`, join(gateway.folder, "checkpoints")];
    query = gateway.run({
      classPath: await compiled("SparkWindows", await sparkClassPath(), gateway.folder),
      mainClass: "SparkWindows",
      args: [gateway.address, ...ofQuery],
      flags: ["-Xmx1g", LOGGING, ...OPENED],
    });
  });

  afterAll(async () => await gateway.stop());

  it("finds every reading, over a kill of the gateway", async () => {
    await query.line(/^seen /, TIMEOUT_MS);
    await gateway.restartAndGoOn();
    await query.line(/^done$/, TIMEOUT_MS);
    const windows = query.lines.flatMap((line) => line.match(/^window (.*)/)?.slice(1) ?? []);
    expect(windows.sort()).toEqual(windowsOf(RECORDS));
  });
});
