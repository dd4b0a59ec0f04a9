/**
 * Runs the command line: in this process where only its answer matters, in one of its own where
 * signals, pipes or a second holder of the data folder do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { Output } from "../../../src/cli/output.ts";
import { runProgram } from "../../../src/cli/program.ts";
import type { SecretSource } from "../../../src/cli/secret-input.ts";

/** What a test may print before it would have to be read. */
const STDOUT_BYTES_MAX = 16 * 1024 * 1024;

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of one test file's own; everything it starts keeps its data and its cache there. */
export class CliBench {
  readonly folder = mkdtempSync(join(tmpdir(), "cli-"));
  readonly #children = new Set<ChildProcess>();

  path(name: string): string {
    return join(this.folder, name);
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, ["src/cli/main.ts", ...args], {
      env: { PATH: process.env["PATH"], XDG_CACHE_HOME: join(tmpdir(), "cli-cache"), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    stdin: SecretSource = Readable.from([]),
  ): Promise<CliResult> {
    const stdout = new PassThrough({ highWaterMark: STDOUT_BYTES_MAX });
    const said: string[] = [];
    const code = await runProgram(args, {
      env,
      out: new Output(stdout),
      say: (line) => void said.push(`${line}\n`),
      ask: (text) => void said.push(text),
      stdin,
      stderrIsTerminal: false,
      interrupted: new AbortController().signal,
    });
    stdout.end();
    return { code, stdout: await textOf(stdout), stderr: said.join("") };
  }

  /** A gateway on free ports; resolves when it is ready. */
  async gateway(data: string, args: readonly string[] = []): Promise<CliGateway> {
    const listeners = ["--mqtt", "127.0.0.1:0", "--kafka", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    const child = this.start(["run", "--json", "--data", data, ...listeners, ...args]);
    child.stderr?.resume();
    const addresses: Record<string, string> = {};
    if (child.stdout === null) throw new Error("no stdout");
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as Record<string, string | number>;
      if (event["event"] === "ready") return { child, addresses };
      addresses[String(event["listener"])] = `${event["host"]}:${event["port"]}`;
    }
    throw new Error("the gateway ended before it was ready");
  }

  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface CliGateway {
  readonly child: ChildProcess;
  readonly addresses: Readonly<Record<string, string>>;
}

export async function stop({ child }: CliGateway): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = (await exited) as [number | null];
  return code;
}

async function textOf(stream: AsyncIterable<unknown> | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}
