/** The environment: every TRIBUTARY_... variable is an option, or an error. Empty means not set. */
import { TributaryError } from "../base/errors.ts";
import type { GivenValue } from "./given-value.ts";
import { NAMED_OPTIONS } from "./named-option.ts";
import { nearest } from "./nearest.ts";

const PREFIX = "TRIBUTARY_";
const BY_VARIABLE = new Map(
  NAMED_OPTIONS.filter(({ sources }) => sources.includes("variable")).map((option) => [
    option.variable,
    option,
  ]),
);

/** @throws CONFIG_UNKNOWN_OPTION */
export function readVariables(env: Readonly<Record<string, string | undefined>>): GivenValue[] {
  const given: GivenValue[] = [];
  for (const [name, input] of Object.entries(env)) {
    if (!name.startsWith(PREFIX)) continue;
    const option = BY_VARIABLE.get(name);
    if (option === undefined) {
      const meant = nearest(name.slice(PREFIX.length), [...BY_VARIABLE.keys()].map(withoutPrefix));
      throw new TributaryError(
        "CONFIG_UNKNOWN_OPTION",
        `The variable ${name} is not an option${
          meant === undefined ? "" : `; did you mean ${PREFIX}${meant}?`
        } Unset it, or see docs/options.md.`,
      );
    }
    if (input === undefined || input === "") continue;
    given.push({ option, input, at: () => name });
  }
  return given;
}

function withoutPrefix(variable: string): string {
  return variable.slice(PREFIX.length);
}
