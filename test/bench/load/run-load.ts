/**
 * Starts the loads of the MQTT benches, each in a process of its own.
 *
 * A load stands for devices elsewhere, but it shares the server's processors. With each answer of the
 * server it wakes up, and where both are on one core, the kernel puts it in the server's place there:
 * a write of 3 microseconds then takes the server 17, or not, as it happens. So a load gives way: as
 * SCHED_BATCH (sched(7)) it takes no processor from what runs there when it wakes up. It is the same for
 * all servers.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BlastOptions, BlastResult, FanOptions, FanResult } from "./options.ts";

/** Beyond its seconds a load connects, warms up and waits for what is on the way. */
const BEYOND_MS_MAX = 60_000;
/** Of util-linux. */
const CHRT = "/usr/bin/chrt";

/** False where the machine has no `chrt`. */
export const LOADS_GIVE_WAY = existsSync(CHRT);
const PREFIX = LOADS_GIVE_WAY ? [CHRT, "--batch", "0"] : [];

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
  const args = [process.execPath, path, "127.0.0.1", String(port), JSON.stringify(options)];
  const [command = process.execPath, ...rest] = [...PREFIX, ...args];
  const timeout = options.seconds * 1000 + BEYOND_MS_MAX;
  const { stdout } = await promisify(execFile)(command, rest, { timeout }).catch(
    (error: { stderr?: string; killed?: boolean }) => {
      if (error.killed) throw new Error("the load did not end in its time");
      throw new Error(/^Error: (.*)$/m.exec(error.stderr ?? "")?.[1] ?? `${program} failed`);
    },
  );
  return JSON.parse(stdout);
}
