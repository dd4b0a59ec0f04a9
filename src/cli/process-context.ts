/** The world outside as the process has it: its environment, its streams, its signals. */
import type { CommandContext } from "./command-context.ts";
import { Output } from "./output.ts";

export function processContext(): CommandContext {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupted.abort());
  }
  return {
    env: process.env,
    out: new Output(process.stdout),
    say: (line) => void process.stderr.write(`${line}\n`),
    stderrIsTerminal: process.stderr.isTTY,
    interrupted: interrupted.signal,
  };
}
