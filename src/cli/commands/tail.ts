/** `tributary tail TOPIC`: the last records of a topic, and then what arrives, until interrupted. */
import { Command } from "commander";
import { TributaryError } from "../../base/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags, configFrom } from "../config-flags.ts";
import { addReplayFlags, REPLAY_FLAGS, replayParams } from "../replay-flags.ts";
import { SOURCE_OPTIONS } from "./replay.ts";

/** What makes no sense when there is no end; `--from` has another default here. */
const NOT_FOR_TAIL = ["from", "to", "follow", "speed", "max-gap", "order"];

export function tailCommand(context: CommandContext): Command {
  const command = new Command("tail")
    .description("follow a topic: its last records, then what arrives")
    .argument("<topic>", "the log topic")
    .option("--lines <N>", "how many records to begin with", "10")
    .option(
      "--from <WHERE>",
      "or where to begin: earliest, latest, latest-100, an offset, a time, -2h",
    );
  addReplayFlags(
    command,
    REPLAY_FLAGS.filter((name) => !NOT_FOR_TAIL.includes(name)),
  );
  addConfigFlags(command, SOURCE_OPTIONS);
  return command.action(async (topic: string, { lines }: { lines: string }) => {
    const loaded = configFrom(command, context.env);
    const { writeReplay } = await import("../write-replay.ts");
    const params = replayParams(command);
    const from = params["from"] ?? lastRecords(lines);
    await writeReplay(loaded, topic, { ...params, from, follow: "true" }, context);
  });
}

function lastRecords(lines: string): string {
  if (/^\d{1,9}$/.test(lines)) return lines === "0" ? "latest" : `latest-${lines}`;
  throw new TributaryError("CONFIG_INVALID", "--lines must be a whole number.");
}
