/**
 * Flags from the option table: commander gets one for each option a command takes, and
 * `configFrom` reads them together with the variables and the file.
 */
import { type Command, Option } from "commander";
import { TributaryError } from "../base/errors.ts";
import { type LoadedConfig, loadConfig } from "../config/load-config.ts";
import { NAMED_OPTIONS, type NamedOption } from "../config/named-option.ts";

/** Adds the flags of `keys`, or of every option, under headings as in docs/options.md. */
export function addConfigFlags(command: Command, keys?: readonly string[]): Command {
  for (const option of NAMED_OPTIONS) {
    if (keys !== undefined && !keys.includes(option.key)) continue;
    if (option.sources.includes("flag")) command.addOption(flagOf(option));
    else if (option.sources.includes("variable")) command.addOption(refusedFlag(option));
  }
  return command;
}

/** What a command's help adds for the options that have neither flag nor variable. */
export function fileOnlyText(): string {
  const keys = NAMED_OPTIONS.filter(({ sources }) => sources.join() === "file").map(
    ({ key }) => key,
  );
  return `\nOnly in the file: ${keys.join(", ")}; see docs/options.md.`;
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function configFrom(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): LoadedConfig {
  const given = command.opts<Record<string, unknown>>();
  const flags: Record<string, string> = {};
  for (const option of NAMED_OPTIONS) {
    const value = given[attributeOf(option)];
    if (typeof value === "string") flags[option.key] = value;
  }
  return loadConfig({ flags, env });
}

function flagOf({ flag, kind, help, default: value, path }: NamedOption): Option {
  const shown = value === undefined ? help : `${help} (default ${value})`;
  const option = new Option(`${flag} <${kind.placeholder}>`, shown);
  return option.helpGroup(path.length === 2 ? `Options of ${path[0]}:` : "Options:");
}

/** A secret's flag exists only to be refused without being repeated. */
function refusedFlag({ flag, key, variable }: NamedOption): Option {
  return new Option(`${flag} [SECRET]`).hideHelp().argParser(() => {
    throw new TributaryError(
      "CONFIG_INVALID",
      `${key} has no flag, since any user could read it with ps: set ${variable} or ${key}File.`,
    );
  });
}

/** commander's name for a flag's value: `--log-segment-bytes` is `logSegmentBytes`. */
function attributeOf({ flag }: NamedOption): string {
  return flag.slice(2).replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
