/**
 * The command lines of the programs in this folder: `npm run NAME -- --help` says what one takes, and
 * what it does not take is answered in one line that says what it does.
 */
import { Command, InvalidArgumentError, Option } from "commander";

/** Add its options, then {@link Command.parse} and `opts`. */
export function program(name: string, summary: string): Command {
  return new Command(name)
    .usage("[-- OPTION ...]")
    .description(summary)
    .helpOption("--help", "says this")
    .allowExcessArguments(false);
}

/** For an option's value: a whole number from 1. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("It takes a whole number from 1.");
  }
  return value;
}

/** For an option's value: more than 0. */
export function amount(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError("It takes a number above 0.");
  }
  return value;
}

/** An option whose value is some of the names known, between commas; it gives them in their order. */
export function someOf<Name extends string>(
  flag: string,
  summary: string,
  known: readonly Name[],
): Option {
  return new Option(`${flag} <names>`, `${summary}: ${known.join(",")}`)
    .argParser((text: string) => {
      const wanted = text.split(",").filter((name) => name !== "");
      const unknown = wanted.filter((name) => !known.some((one) => one === name));
      if (unknown.length > 0 || wanted.length === 0) {
        throw new InvalidArgumentError(`It takes ${known.join(", ")}.`);
      }
      return known.filter((name) => wanted.includes(name));
    })
    .default(known, "all");
}
