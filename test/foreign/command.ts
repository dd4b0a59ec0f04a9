/** Runs a program to its end, with a limit of time, and keeps what it prints. */
import { spawn } from "node:child_process";

const MINUTE_MS = 60_000;
const OUTPUT_CHARS_MAX = 64 * 1024 * 1024;

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly minutesMax?: number;
  /** Without: a code other than 0 is an error, and its own abort is, as any other signal always is. */
  readonly anyCode?: boolean;
  /** What it says of errors is wanted as well, after the rest. */
  readonly withErrors?: boolean;
}

/** Resolves to its standard output. */
export async function command(
  program: string,
  args: readonly string[],
  { cwd, env = {}, minutesMax = 10, anyCode = false, withErrors = false }: CommandOptions,
): Promise<string> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: minutesMax * MINUTE_MS,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_CHARS_MAX);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-OUTPUT_CHARS_MAX);
  });
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve(exitCode ?? signal ?? "no code"));
  });
  if (code !== 0 && !(anyCode && (typeof code === "number" || code === "SIGABRT"))) {
    const end = `${stdout}\n${stderr}`.slice(-4_000);
    throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${end}`);
  }
  return withErrors ? `${stdout}\n${stderr}` : stdout;
}
