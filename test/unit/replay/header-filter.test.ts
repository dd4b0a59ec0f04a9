import { describe, expect, it } from "vitest";
import { matchesHeader, parseHeaderFilter } from "../../../src/replay/header-filter.ts";

const HEADERS = [
  { key: "qos", value: Buffer.from("0") },
  { key: "qos", value: Buffer.from("1") },
  { key: "none", value: null },
];

describe("a header filter", () => {
  it.each([
    ["qos=1", true],
    ["qos=0", true],
    ["qos=2", false],
    ["qos=", false],
    ["none=", false],
    ["absent=1", false],
  ])("%s: %s", (text, expected) => {
    expect(matchesHeader(parseHeaderFilter("header", text), HEADERS)).toBe(expected);
  });

  it("takes the name up to the first equals sign", () => {
    const filter = parseHeaderFilter("header", "query=a=b");
    expect(filter).toEqual({ name: "query", value: Buffer.from("a=b") });
  });

  it.each(["qos", "=1", ""])("is refused where it is %j", (text) => {
    expect(() => parseHeaderFilter("header", text)).toThrow(/^header: .*NAME=VALUE/);
  });
});
