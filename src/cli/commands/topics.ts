/** `tributary topics`: list, describe, create and delete the topics of a running gateway. */
import { Command } from "commander";
import { TributaryError } from "../../base/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags, configFrom } from "../config-flags.ts";
import { GatewayClient } from "../gateway-client.ts";
import { tableText } from "../table-text.ts";
import type { TopicAnswer } from "../topic-answer.ts";

export function topicsCommand(context: CommandContext): Command {
  return new Command("topics")
    .description("list, describe, create and delete topics")
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(describeCommand(context))
    .addCommand(createCommand(context))
    .addCommand(deleteCommand(context));
}

function listCommand({ env, out }: CommandContext): Command {
  const command = gatewayCommand("list", "every topic and its records");
  return command.action(async ({ json }: { json?: boolean }) => {
    const { topics } = (await gatewayOf(command, env).ask("/v1/topics")) as {
      topics: readonly TopicAnswer[];
    };
    if (json) return out.line(JSON.stringify(topics));
    const rows = topics.map(({ name, partitions, records }) => [
      name,
      partitions.length,
      records.accepted,
      records.retained,
      records.pending ?? "-",
      records.dropped,
    ]);
    const header = ["TOPIC", "PARTITIONS", "ACCEPTED", "RETAINED", "TO FORWARD", "DROPPED"];
    return out.line(tableText(header, rows));
  });
}

function describeCommand({ env, out }: CommandContext): Command {
  const command = gatewayCommand("describe", "a topic's settings and partitions").argument(
    "<topic>",
  );
  return command.action(async (name: string, { json }: { json?: boolean }) => {
    const topic = (await gatewayOf(command, env).ask(pathOf(name))) as TopicAnswer;
    if (json) return out.line(JSON.stringify(topic));
    const settings = Object.entries(topic.config).map(([key, value]) => [key, String(value)]);
    const partitions = topic.partitions.map((partition) => [
      partition.partition,
      partition.logStartOffset,
      partition.highWatermark,
      partition.records,
      partition.forwardedTo ?? "-",
    ]);
    await out.line(`${topic.name} (${topic.id})\n`);
    await out.line(`${tableText(["SETTING", "VALUE"], settings)}\n`);
    const header = ["PARTITION", "FIRST", "NEXT", "RECORDS", "FORWARDED TO"];
    return out.line(tableText(header, partitions));
  });
}

function createCommand({ env, out }: CommandContext): Command {
  const command = gatewayCommand("create", "create a topic")
    .argument("<topic>")
    .option("--partitions <COUNT>", "how many partitions")
    .option("--set <KEY=VALUE...>", "settings, such as retentionMs=30d whenFull=reject-new");
  return command.action(async (name: string, given: CreateFlags) => {
    const { partitions, set = [], json } = given;
    const body = { name, ...(partitions !== undefined && { partitions }), ...settingsOf(set) };
    const topic = (await gatewayOf(command, env).ask("/v1/topics", {
      method: "POST",
      body,
    })) as TopicAnswer;
    await out.line(
      json
        ? JSON.stringify(topic)
        : `created ${topic.name} with ${topic.partitions.length} partitions`,
    );
  });
}

interface CreateFlags {
  readonly partitions?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

function deleteCommand({ env, out }: CommandContext): Command {
  const command = gatewayCommand("delete", "delete a topic and all its records")
    .argument("<topic>")
    .option("--yes", "really: its records cannot be brought back");
  return command.action(async (name: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
    if (!yes) {
      throw new TributaryError(
        "CONFIG_INVALID",
        `Deleting ${name} deletes all its records for good: give --yes to do it.`,
      );
    }
    await gatewayOf(command, env).ask(pathOf(name), { method: "DELETE" });
    await out.line(json ? JSON.stringify({ deleted: name }) : `deleted ${name}`);
  });
}

function gatewayCommand(name: string, description: string): Command {
  const command = new Command(name).description(description).option("--json", "as JSON");
  return addConfigFlags(command, ["config", "http"]);
}

/** @throws CONFIG_INVALID where HTTP is off */
export function gatewayOf(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): GatewayClient {
  const { http } = configFrom(command, env).config;
  if (http !== undefined) return new GatewayClient(http);
  throw new TributaryError(
    "CONFIG_INVALID",
    "HTTP is off in this configuration: give the running gateway's address with --http.",
  );
}

function settingsOf(pairs: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1) throw new TributaryError("CONFIG_INVALID", "--set must be KEY=VALUE.");
    settings[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return settings;
}

function pathOf(topic: string): string {
  return `/v1/topics/${encodeURIComponent(topic)}`;
}
