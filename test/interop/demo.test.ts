import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startKafkaCluster } from "../support/kafka-cluster.ts";
import { describeWithTools } from "../support/requirements.ts";

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A short demo; rejects where its exit status is not 0. */
async function demo(...flags: readonly string[]): Promise<DemoResult> {
  const args = [CLI, "demo", "--json", "--duration", "3s", "--rate", "500", ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as DemoResult;
}

interface DemoResult {
  readonly balanced: boolean;
  readonly failed: readonly unknown[];
  readonly fleet: Readonly<Record<string, number>>;
  readonly gateway: Readonly<Record<string, number>>;
  readonly central: number;
  readonly replay: Readonly<Record<string, number>>;
  readonly frauds: Readonly<Record<string, object>>;
}

test("the demo balances with links that drop and devices that repeat themselves", async () => {
  const result = await demo("--drop-rate", "0.005", "--duplicates", "0.02");
  expect(result).toMatchObject({ balanced: true, failed: [] });
  expect(result.fleet["published"]).toBe(1_500);
  expect(result.fleet["wills"]).toBeGreaterThan(0);
  expect(result.fleet["duplicates"]).toBeGreaterThan(0);
  expect(Object.keys(result.frauds)).toContain("none");
});

test("the demo balances when links are cut with messages in flight, under QoS 1 and 2", async () => {
  for (const qos of ["1", "2"]) {
    const result = await demo("--drop-rate", "0.01", "--drop-mode", "hard", "--qos", qos);
    expect(result).toMatchObject({ balanced: true, failed: [] });
    expect(result.fleet["wills"]).toBeGreaterThan(0);
    expect(result.replay["distinct"]).toBe(1_500);
  }
});

describeWithTools(["java", "mvn"], "a real Kafka cluster as the centre", () => {
  test("balances the demo, each record counted at the cluster itself", async () => {
    const cluster = await startKafkaCluster({ brokers: 1 });
    try {
      const brokers = cluster.bootstrap.map(({ host, port }) => `${host}:${port}`);
      const result = await demo("--central", `kafka://${brokers.join(",")}`);
      expect(result).toMatchObject({ balanced: true, failed: [] });
      expect(result.central).toBe(result.gateway["accepted"]);
    } finally {
      await cluster.stop();
    }
  });
});
