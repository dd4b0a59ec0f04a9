/** Starts the load of the MQTT benches. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BlastOptions, BlastResult } from "./blast.ts";

const PROGRAM = fileURLToPath(new URL("blast.ts", import.meta.url));

/** Runs the load against `port` in a process of its own. */
export async function runBlast(port: number, options: BlastOptions): Promise<BlastResult> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, "127.0.0.1", String(port), JSON.stringify(options)],
    { timeout: (options.seconds + 60) * 1000 },
  );
  return JSON.parse(stdout) as BlastResult;
}
