/** What the command lines of benches, fuzzes and conformance tests take, and what they refuse. */
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { amount, count, program, someOf } from "../../support/program.ts";

function parsed(...args: string[]) {
  let complaint = "";
  const command: Command = program("npm run x", "Tries something.")
    .option("--rounds <n>", "rounds", count, 3)
    .option("--seconds <n>", "seconds", amount, 5)
    .addOption(someOf("--only", "loads", ["a", "b", "c"]))
    .configureOutput({
      writeErr: (text) => {
        complaint = text;
      },
    })
    .exitOverride((error) => {
      throw new Error(complaint, { cause: error });
    });
  return command.parse(args, { from: "user" }).opts();
}

describe("a program's command line", () => {
  it("has defaults, and all names where none is chosen", () => {
    expect(parsed()).toEqual({ rounds: 3, seconds: 5, only: ["a", "b", "c"] });
  });

  it("gives numbers, and the names chosen in their own order", () => {
    const args = ["--rounds", "2", "--seconds", "0.5", "--only", "c,a"];
    expect(parsed(...args)).toEqual({ rounds: 2, seconds: 0.5, only: ["a", "c"] });
  });

  it.for([
    [["--only", "x"], "It takes a, b, c."],
    [["--only", ""], "It takes a, b, c."],
    [["--only", "a,x"], "It takes a, b, c."],
    [["--rounds", "0"], "It takes a whole number from 1."],
    [["--rounds", "1.5"], "It takes a whole number from 1."],
    [["--seconds", "0"], "It takes a number above 0."],
    [["--seconds", "many"], "It takes a number above 0."],
    [["--round", "1"], "Did you mean --rounds?"],
    [["deep"], "too many arguments"],
  ] as const)("refuses %j, and says what is right", ([args, words]) => {
    expect(() => parsed(...args)).toThrow(words);
  });
});
