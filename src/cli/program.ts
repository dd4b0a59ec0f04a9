/** The table of commands, and how one of them is found, run and ended. */
import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./command-context.ts";
import { accessCommand } from "./commands/access.ts";
import { demoCommand } from "./commands/demo.ts";
import { replayCommand } from "./commands/replay.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";
import { tailCommand } from "./commands/tail.ts";
import { topicsCommand } from "./commands/topics.ts";
import { usersCommand } from "./commands/users.ts";
import { versionCommand } from "./commands/version.ts";
import { failureOf } from "./failure.ts";
import { processContext } from "./process-context.ts";
import { VERSION } from "./version.ts";

/** Adding a command is its file and a line here. */
const COMMANDS: readonly ((context: CommandContext) => Command)[] = [
  runCommand,
  replayCommand,
  tailCommand,
  topicsCommand,
  statusCommand,
  usersCommand,
  accessCommand,
  demoCommand,
  versionCommand,
];

/** Runs what `args` ask for. Answers the exit code; throws only where there is a bug. */
export async function runProgram(
  args: readonly string[],
  context: CommandContext = processContext(),
): Promise<number> {
  const program = createProgram(context);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT.done;
  } catch (error) {
    const { exitCode, message } = failureOf(error, flagsOf(program));
    if (message !== undefined) context.say(`tributary: ${message}`);
    if (args.includes("--debug") && error instanceof Error) context.say(error.stack ?? "");
    return exitCode;
  }
}

export function createProgram(context: CommandContext): Command {
  const program = new Command("tributary")
    .description("A compact log broker for the edge: MQTT in, durable logs, Kafka out, replay.")
    .version(VERSION, "--version", "print the version")
    .helpCommand(false);
  for (const create of COMMANDS) program.addCommand(create(context));
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .allowExcessArguments(false)
      .showSuggestionAfterError(false)
      .configureOutput({ outputError: () => {} })
      .option("--debug", "print the stack trace of a failure");
  }
  return program;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function flagsOf(program: Command): string[] {
  return everyCommand(program).flatMap(({ options }) =>
    options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []),
  );
}
