/** Starts the loads of the MQTT benches, each in a process of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BlastOptions, BlastResult, FanOptions, FanResult } from "./options.ts";

/** Beyond its seconds a load connects, warms up and waits for what is on the way. */
const BEYOND_MS_MAX = 60_000;

/** Publishing alone. */
export async function runBlast(port: number, options: BlastOptions): Promise<BlastResult> {
  return (await run("blast.ts", port, options)) as BlastResult;
}

/** Publishing to subscribers of the same load. */
export async function runFan(port: number, options: FanOptions): Promise<FanResult> {
  return (await run("fan.ts", port, options)) as FanResult;
}

/** @throws with the last line of what the load complained of */
async function run(
  program: string,
  port: number,
  options: { readonly seconds: number },
): Promise<unknown> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const args = [path, "127.0.0.1", String(port), JSON.stringify(options)];
  const timeout = options.seconds * 1000 + BEYOND_MS_MAX;
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout }).catch(
    (error: { stderr?: string; killed?: boolean }) => {
      if (error.killed) throw new Error("the load did not end in its time");
      throw new Error(/^Error: (.*)$/m.exec(error.stderr ?? "")?.[1] ?? `${program} failed`);
    },
  );
  return JSON.parse(stdout);
}
