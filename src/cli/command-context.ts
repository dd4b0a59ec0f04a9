/** What every command is given: the world outside, so that tests can give another. */
import type { Output } from "./output.ts";
import type { SecretSource } from "./secret-input.ts";

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  /** A line for people, to stderr. */
  readonly say: (line: string) => void;
  /** Text for people, to stderr, on which the cursor stays: a question. */
  readonly ask: (text: string) => void;
  /** Where passwords are read from. */
  readonly stdin: SecretSource;
  /** What stderr is, for progress and for the form of the log. */
  readonly stderrIsTerminal: boolean;
  /** Aborts at SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/** A command ends with an exit code: 0 it did, 1 it could not, 2 it was asked wrongly. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
