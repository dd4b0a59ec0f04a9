/** `tributary access check`: whether a client may publish or subscribe, and which rule says so. */
import { Command } from "commander";
import { partsOf, shareNameComplaint } from "../../../bridge/delivery/subscription.ts";
import { readAccessFile } from "../../access/file/access-file.ts";
import { GrantedPrincipal } from "../../access/principal.ts";
import { type Action, ANONYMOUS, type Decision, type Rule } from "../../access/rules.ts";
import { patternComplaint } from "../../access/topic-pattern.ts";
import { TributaryError } from "../../base/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { addConfigFlags } from "../config-flags.ts";
import { accessFileOf } from "./users.ts";

export function accessCommand(context: CommandContext): Command {
  return new Command("access")
    .description("what the access file allows")
    .addCommand(checkCommand(context), { isDefault: true });
}

interface CheckFlags {
  readonly user?: string;
  readonly client: string;
  readonly listener: string;
  readonly publish?: string;
  readonly subscribe?: string;
  readonly json?: boolean;
}

function checkCommand({ env, out }: CommandContext): Command {
  const command = new Command("check")
    .description("whether a client may publish or subscribe, and which rule says so")
    .option("--user <NAME>", "the user; an anonymous client without it")
    .option("--client <ID>", "the client id", "client")
    .option("--listener <NAME>", "the listener it comes by", "mqtt")
    .option("--publish <TOPIC>", "the topic it would publish to")
    .option("--subscribe <FILTER>", "the topic filter it would subscribe to")
    .option("--json", "as JSON");
  addConfigFlags(command, ["config", "accessFile"]);
  return command.action(async (flags: CheckFlags) => {
    const { action, topic } = requestOf(flags);
    const { rules } = readAccessFile(accessFileOf(command, env));
    const user = flags.user === ANONYMOUS ? undefined : flags.user;
    // What it was let in by has no say in what it may do.
    const proof = { by: "nothing", loopback: true } as const;
    const principal = new GrantedPrincipal({ user, listener: flags.listener }, proof, rules);
    const { allowed, rule } = principal.decide(flags.client, action, topic);
    if (flags.json) {
      return out.line(JSON.stringify({ allowed, action, topic, rule: rule && ruleText(rule) }));
    }
    const why = reason({ allowed, rule }, rules !== undefined);
    return out.line(`${allowed ? "allowed" : "refused"}: ${why}`);
  });
}

/** Of a shared subscription the filter behind its name counts, as where clients ask. */
function requestOf({ publish, subscribe }: CheckFlags): { action: Action; topic: string } {
  const given = publish ?? subscribe;
  if (given === undefined || (publish !== undefined && subscribe !== undefined)) {
    throw wrong("What would the client do? Give either --publish TOPIC or --subscribe FILTER.");
  }
  if (publish !== undefined) {
    const complaint = /[+#]/.test(given) ? "must hold no wildcard" : patternComplaint(given);
    if (complaint !== undefined) throw wrong(`--publish ${complaint}.`);
    return { action: "publish", topic: given };
  }
  const { shareName, filter } = partsOf(given);
  const misnamed = shareName === undefined ? undefined : shareNameComplaint(shareName);
  if (misnamed !== undefined) throw wrong(misnamed);
  const complaint = patternComplaint(filter);
  if (complaint !== undefined) throw wrong(`--subscribe ${complaint}.`);
  return { action: "subscribe", topic: filter };
}

function reason({ rule }: Decision, hasRules: boolean): string {
  if (!hasRules) return "the access file has no rules, so who is let in may do everything";
  return rule === undefined ? "no rule speaks of it" : ruleText(rule);
}

/** `access.yaml:12:5 allow publish devices/${user}/#` */
function ruleText({ place, effect, actions, patterns }: Rule): string {
  const topics = patterns.map(({ text }) => text).join(", ");
  return `${place} ${effect} ${actions.join(" and ")} ${topics}`;
}

function wrong(message: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", message);
}
