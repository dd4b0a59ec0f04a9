/** Runs Paho's interoperability tests, from a folder that holds them, against a server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const MQTT_VERSIONS = ["3.1.1", "5"] as const;

export type MqttVersion = (typeof MQTT_VERSIONS)[number];

/** The module of the suite that holds a version's tests. */
const MODULES: Readonly<Record<MqttVersion, string>> = {
  "3.1.1": "client_test",
  "5": "client_test5",
};

export interface Outcome {
  readonly version: MqttVersion;
  readonly test: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** The assertion that failed, with its line in the suite's module; empty where it passed. */
  readonly reason: string;
}

const DRIVER = fileURLToPath(new URL("paho-driver.py", import.meta.url));
/** The longest test of them waits 15 seconds by itself; some wait for ever for what does not come. */
const TEST_SECONDS_MAX = 60;

/** @param folder the checkout of paho.mqtt.testing, or its folder of interoperability tests */
export function suiteFolder(folder: string): string {
  const candidates = [join(resolve(folder), "interoperability"), resolve(folder)];
  const found = candidates.find((path) => existsSync(join(path, "client_test5.py")));
  if (found !== undefined) return found;
  throw new Error(
    `${folder} holds no client_test5.py: --paho takes a checkout of Eclipse's paho.mqtt.testing`,
  );
}

/** @param tests the names of those to run; empty: all; with a `-` before it: one that is left out */
export async function runSuite(
  folder: string,
  version: MqttVersion,
  port: number,
  tests: readonly string[],
): Promise<Outcome[]> {
  const args = [DRIVER, folder, MODULES[version], String(port), String(TEST_SECONDS_MAX), ...tests];
  const child = spawn("python3", args, { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes.toString()).slice(-4096);
  });
  const outcomes: Outcome[] = [];
  const closed = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    const { outcome, ...told } = JSON.parse(line);
    outcomes.push({ version, ...told, passed: outcome === "passed" });
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`the suite broke off: ${complaint}`);
  return outcomes;
}
