import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesGlob } from "../../../src/base/glob.ts";

describe("matchesGlob", () => {
  it.each([
    ["*", ""],
    ["*", "anything/at/all"],
    ["plant/*", "plant/1/temp"],
    ["*/temp", "plant/1/temp"],
    ["plant/*/temp", "plant/1/2/temp"],
    ["plant/?", "plant/1"],
    ["a*b*c", "a-b-b-c"],
    ["a.b", "a.b"],
    ["", ""],
  ])("%j matches %j", (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(true);
  });

  it.each([
    ["plant/*", "plants/1"],
    ["plant/?", "plant/"],
    ["plant/?", "plant/12"],
    ["a.b", "axb"],
    ["a*b", "ac"],
    ["", "a"],
    ["Plant", "plant"],
  ])("%j does not match %j", (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(false);
  });

  it("agrees with a regular expression of the same meaning", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "*", "?"), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 10 });
    fc.assert(
      fc.property(word, text, (glob, text) => {
        const source = glob.replaceAll("*", ".*").replaceAll("?", ".");
        expect(matchesGlob(glob, text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("takes no longer than pattern times text, also where a regular expression would", () => {
    expect(matchesGlob(`${"*a".repeat(400)}b`, "a".repeat(1000))).toBe(false);
  });
});
