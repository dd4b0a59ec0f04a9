/** `tributary replay TOPIC`: a range of a topic's records as JSON lines, at any pace. */
import { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags, configFrom } from "../config-flags.ts";
import { addReplayFlags, REPLAY_FLAGS, replayParams } from "../replay-flags.ts";

export const SOURCE_OPTIONS: readonly string[] = ["config", "data", "http"];

export function replayCommand(context: CommandContext): Command {
  const command = new Command("replay")
    .description("write a range of a topic's records as JSON lines")
    .argument("<topic>", "the log topic");
  addReplayFlags(command, REPLAY_FLAGS);
  addConfigFlags(command, SOURCE_OPTIONS);
  return command.action(async (topic: string) => {
    const loaded = configFrom(command, context.env);
    const { writeReplay } = await import("../write-replay.ts");
    await writeReplay(loaded, topic, replayParams(command), context);
  });
}
