/**
 * How a command's failure is told: one message that says what to change, an exit code, and a stack
 * trace only where it is asked for.
 */
import { CommanderError } from "commander";
import { isTributaryError, messageOf } from "../base/errors.ts";
import { nearest } from "../config/nearest.ts";
import { EXIT } from "./command-context.ts";

export interface Failure {
  readonly exitCode: number;
  /** Undefined where all has been said, as after `--help`. */
  readonly message: string | undefined;
}

export function failureOf(error: unknown, knownFlags: readonly string[]): Failure {
  if (error instanceof CommanderError) return usageFailure(error, knownFlags);
  if (isTributaryError(error, "CONFIG_INVALID", "CONFIG_UNKNOWN_OPTION")) {
    return { exitCode: EXIT.usage, message: error.message };
  }
  return { exitCode: EXIT.failed, message: messageOf(error) };
}

function usageFailure(error: CommanderError, knownFlags: readonly string[]): Failure {
  if (error.exitCode === 0) return { exitCode: EXIT.done, message: undefined };
  if (error.code === "commander.help") return { exitCode: EXIT.usage, message: undefined };
  if (error.code === "commander.unknownOption") {
    return { exitCode: EXIT.usage, message: unknownFlag(error.message, knownFlags) };
  }
  const [message = ""] = error.message.replace(/^error: /, "").split("\n(Did you mean");
  // Some of commander's end with a full stop, some do not.
  return { exitCode: EXIT.usage, message: `${message.replace(/\.$/, "")}. Try --help.` };
}

/** What follows a `=` is left out: it may be a secret behind a misspelt flag. */
function unknownFlag(message: string, knownFlags: readonly string[]): string {
  const flag = /'([^'=]+)/.exec(message)?.[1] ?? "";
  if (knownFlags.includes(flag)) {
    return `${flag} is an option of other commands, not of this one; --help lists its own.`;
  }
  const meant = nearest(flag, knownFlags);
  return `${flag} is not an option; ${meant === undefined ? "--help lists them" : `did you mean ${meant}?`}${
    meant === undefined ? "." : ""
  }`;
}
