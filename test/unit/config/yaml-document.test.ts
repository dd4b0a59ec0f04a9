import { describe, expect, test } from "vitest";
import { YamlDocument } from "../../../src/config/yaml-document.ts";

describe("a YAML document", () => {
  test.each([
    ["a: 1\nb: 2\na: 3\n", "f:3:1: not valid YAML: Map keys must be unique"],
    ["x:\n  - { 7: 1, '7': 2 }\n", "f:2:13: not valid YAML: Map keys must be unique"],
    ["a: [1\n", "f:2:1: not valid YAML: "],
  ])("%j is refused with its place", (text, message) => {
    expect(() => new YamlDocument("f", text, "core")).toThrow(message);
  });

  test("may have the same key in two maps", () => {
    const { document } = new YamlDocument("f", "a: { x: 1 }\nb: { x: 2, '': 3 }\n", "core");
    expect(document.toJS()).toEqual({ a: { x: 1 }, b: { x: 2, "": 3 } });
  });

  test("that is failsafe holds texts only", () => {
    const text = "007: 1e3\nb: [yes, null, 0x1]\n";
    const { document } = new YamlDocument("f", text, "failsafe");
    expect(document.toJS()).toEqual({ "007": "1e3", b: ["yes", "null", "0x1"] });
  });

  test("knows the place of what is in it, or of what is nearest to it", () => {
    const yaml = new YamlDocument("f", "a:\n  b:\n    - 1\n    - 2\n", "core");
    expect(yaml.place(["a", "b", 1])).toBe("f:4:7");
    expect(yaml.place(["a", "c", 1])).toBe("f:2:3");
    expect(yaml.place([])).toBe("f:1:1");
  });
});
