/**
 * The configuration of one run: a flag wins over a variable, a variable over the file, the file
 * over the default. Everything given is checked, also what another source overrides.
 */
import { readFileSync } from "node:fs";
import { messageOf, TributaryError } from "../base/errors.ts";
import { type GivenValue, readGiven } from "./given-value.ts";
import { NAMED_OPTIONS, type NamedOption, OPTIONS_BY_KEY } from "./named-option.ts";
import type { Source } from "./option.ts";
import type { Config } from "./option-table.ts";
import { Secret } from "./secret.ts";
import { readVariables } from "./variables.ts";
import { readYamlFile } from "./yaml-file.ts";

export interface ConfigInput {
  /** By option key: what stood behind the flags. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** By option key: which source its value is from. */
  readonly origins: ReadonlyMap<string, Source | "default">;
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function loadConfig({ flags, env }: ConfigInput): LoadedConfig {
  const values = new Map<string, unknown>();
  const origins = new Map<string, Source | "default">();
  const take = (given: readonly GivenValue[], source: Source) => {
    for (const one of given) {
      values.set(one.option.key, readGiven(one));
      origins.set(one.option.key, source);
    }
  };
  for (const option of NAMED_OPTIONS) {
    values.set(option.key, readDefault(option));
    origins.set(option.key, "default");
  }
  const variables = readVariables(env);
  const typed = readFlags(flags);
  const file = [...variables, ...typed].findLast(({ option }) => option.key === "config");
  if (file !== undefined) take(readYamlFile(String(readGiven(file))), "file");
  take(variables, "variable");
  take(typed, "flag");
  readPasswordFile(values, origins);
  return { config: nest(values), origins };
}

/** The defaults alone, for tests and for programs that embed a gateway. */
export function defaultConfig(): Config {
  return loadConfig({ flags: {}, env: {} }).config;
}

function readDefault(option: NamedOption): unknown {
  if (option.default === undefined) return undefined;
  return readGiven({ option, input: option.default, at: () => `The default of ${option.key}` });
}

function readFlags(flags: Readonly<Record<string, string>>): GivenValue[] {
  return Object.entries(flags).flatMap(([key, input]) => {
    const option = OPTIONS_BY_KEY.get(key);
    return option === undefined ? [] : [{ option, input, at: () => option.flag }];
  });
}

/** A password in a file of its own is one more way to give `upstreamSasl.password`. */
function readPasswordFile(
  values: Map<string, unknown>,
  origins: Map<string, Source | "default">,
): void {
  const file = values.get("upstreamSasl.passwordFile");
  if (file === undefined) return;
  if (values.get("upstreamSasl.password") !== undefined) {
    throw new TributaryError(
      "CONFIG_INVALID",
      "upstreamSasl.password and upstreamSasl.passwordFile are both set: give only one of them.",
    );
  }
  try {
    const [password = ""] = readFileSync(String(file), "utf8").split(/\r?\n/, 1);
    if (password === "") throw new Error("its first line is empty");
    values.set("upstreamSasl.password", new Secret(password));
    origins.set("upstreamSasl.password", "file");
  } catch (error) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `upstreamSasl.passwordFile cannot be used: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function nest(values: ReadonlyMap<string, unknown>): Config {
  const config: Record<string, unknown> = {};
  for (const { key, path } of NAMED_OPTIONS) {
    const [name, inner] = path;
    if (inner === undefined) config[name] = values.get(key);
    else config[name] = { ...(config[name] as object | undefined), [inner]: values.get(key) };
  }
  return config as unknown as Config;
}
