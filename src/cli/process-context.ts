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
    ask: (text) => void process.stderr.write(text),
    // Opening it is left to who reads it: a command that does not must not wait for it.
    get stdin() {
      return process.stdin;
    },
    stderrIsTerminal: process.stderr.isTTY,
    interrupted: interrupted.signal,
  };
}
