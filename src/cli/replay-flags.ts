/** The replay room's table of parameters as flags: a replay is asked for the same way everywhere. */
import { type Command, Option } from "commander";
import type { ReplayParams } from "../replay/replay-options.ts";
import { REPLAY_PARAMETERS, type ReplayParameter } from "../replay/replay-parameters.ts";

export function addReplayFlags(command: Command, names: readonly string[]): Command {
  for (const parameter of REPLAY_PARAMETERS) {
    if (names.includes(parameter.name)) command.addOption(flagOf(parameter));
  }
  return command.option("--json", "JSON lines (the only form there is)");
}

export const REPLAY_FLAGS: readonly string[] = REPLAY_PARAMETERS.map(({ name }) => name);

/** What was given, in the form the replay room reads. */
export function replayParams(command: Command): ReplayParams {
  const given = command.opts<Record<string, string | string[] | boolean | undefined>>();
  const params: Record<string, string | readonly string[]> = {};
  for (const { name } of REPLAY_PARAMETERS) {
    const value = given[attributeOf(name)];
    if (value !== undefined) params[name] = typeof value === "boolean" ? String(value) : value;
  }
  return params;
}

/** The same as a query: `?from=earliest&header=a%3D1`. */
export function queryOf(params: ReplayParams): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  return query.size === 0 ? "" : `?${query}`;
}

function flagOf({ name, placeholder, help, repeatable }: ReplayParameter): Option {
  const flags = placeholder === undefined ? `--${name}` : `--${name} <${placeholder}>`;
  const option = new Option(flags, repeatable ? `${help}; can be repeated` : help);
  if (repeatable) {
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  }
  return option;
}

function attributeOf(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
