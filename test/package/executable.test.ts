import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectAsync } from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { describeWithTools } from "../support/requirements.ts";

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, "../..");
const MESSAGES = 20;
const READY_MS_MAX = 120_000; // An emulated processor takes its time.

// The packages are made here, into the folder where they are always made.
beforeAll(async () => {
  await run(process.execPath, ["deploy/package/main.ts"], { cwd: ROOT });
});

const NATIVE = join(ROOT, `dist/tributary-linux-${process.arch}`);
describe(`the ${process.arch} executable`, () => {
  behavesAsAGateway([NATIVE]);
});

if (process.arch === "x64") {
  describeWithTools(["qemu-aarch64-static"], "the arm64 executable, under emulation", () => {
    behavesAsAGateway(["qemu-aarch64-static", join(ROOT, "dist/tributary-linux-arm64")]);
  });
}

function behavesAsAGateway(command: readonly [string, ...string[]]): void {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "tributary-package-"));
  });
  afterAll(() => {
    rmSync(home, { recursive: true, force: true });
  });

  let gateway: ChildProcess | undefined;
  beforeEach(() => {
    gateway = undefined;
  });
  afterEach(async () => {
    if (gateway === undefined || hasEnded(gateway)) return;
    gateway.kill("SIGKILL");
    await once(gateway, "exit");
  });

  it("says its version and the Node it holds", async () => {
    const { stdout } = await tributary("version");
    expect(stdout).toMatch(/^tributary \d+\.\d+\.\d+ \(Node 24\./);
  });

  it("starts, takes a publish, replays it, and ends when asked", async () => {
    const [mqtt = 0, kafka = 0, http = 0] = await freePorts(3);
    const listeners = [
      ...["--mqtt", `127.0.0.1:${mqtt}`],
      ...["--kafka", `127.0.0.1:${kafka}`],
      ...["--http", `127.0.0.1:${http}`],
    ];
    const [program, ...rest] = [...command, "run", "--data", join(home, "data"), ...listeners];
    gateway = spawn(program, rest, { env: environment(), stdio: ["ignore", "ignore", "pipe"] });
    await ready(gateway, `http://127.0.0.1:${http}/readyz`);

    const client = await connectAsync(`mqtt://127.0.0.1:${mqtt}`);
    const sent = Array.from({ length: MESSAGES }, (_, index) => ({ index }));
    for (const value of sent) {
      await client.publishAsync("plant/7/temperature", JSON.stringify(value), { qos: 1 });
    }
    await client.endAsync();

    const address = `127.0.0.1:${http}`;
    const { stdout } = await tributary(
      ...["replay", "telemetry", "--from", "earliest", "--http", address],
    );
    const lines = stdout.trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { key: string; value: unknown });
    expect(records.map((record) => record.value)).toEqual(sent);
    expect(new Set(records.map((record) => record.key))).toEqual(new Set(["plant/7/temperature"]));

    gateway.kill("SIGTERM");
    if (!hasEnded(gateway)) await once(gateway, "exit");
    expect(gateway.exitCode).toBe(0);
  });

  it("keeps its native code where nobody else may write, and uses it again", async () => {
    const folder = join(home, ".cache/tributary/addons");
    const before = addons(folder);
    expect(before.length).toBeGreaterThan(0);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await tributary("topics", "--help");
    expect(addons(folder)).toEqual(before);
  });

  async function tributary(...args: readonly string[]) {
    const [program, ...rest] = [...command, ...args];
    return await run(program, rest, { env: environment() });
  }

  function environment(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOME: home };
  }
}

/** Name and time of each file: a file that is written again has another time. */
function addons(folder: string): readonly string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`);
}

async function ready(gateway: ChildProcess, url: string): Promise<void> {
  let said = "";
  gateway.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const startedMs = performance.now();
  for (;;) {
    if (hasEnded(gateway)) throw new Error(`the gateway ended:\n${said}`);
    if (performance.now() - startedMs > READY_MS_MAX) throw new Error(`never ready:\n${said}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

function hasEnded(process: ChildProcess): boolean {
  return process.exitCode !== null || process.signalCode !== null;
}
