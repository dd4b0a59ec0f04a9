import { describe, expect, it } from "vitest";
import { jsonCodec } from "../../../src/codec/json.ts";
import { codecSuite, plainValues } from "../../suites/codec-suite.ts";

codecSuite(jsonCodec, { values: plainValues, acceptsEverything: false });

describe("the codec json", () => {
  it("reads JSON with white space around it", () => {
    expect(jsonCodec.decode(Buffer.from(' {"temp": 21.5}\r\n'))).toEqual({ temp: 21.5 });
  });

  it.each([
    ["1e300", 1e300],
    ["-0", 0],
    ["[1.5e-7, -0.0]", [1.5e-7, 0]],
    ["9007199254740991", 9_007_199_254_740_991],
    ["9007199254740993", "9007199254740993"],
    ['{"id":-12345678901234567890}', { id: "-12345678901234567890" }],
    ["1e999", "1e999"],
    ["-1e999", "-1e999"],
    ['"12345678901234567890"', "12345678901234567890"],
    ["0.12345678901234567890", 0.12345678901234568],
  ])("reads the number in %s without changing it", (text, value) => {
    expect(jsonCodec.decode(Buffer.from(text))).toEqual(value);
  });

  it.each([
    ["no bytes", ""],
    ["text", "on"],
    ["two values", "1 2"],
    ["NaN, which some devices print", '{"temp":NaN}'],
    ["text that is cut short", '{"temp":2'],
  ])("refuses %s", (_what, text) => {
    expect(() => jsonCodec.decode(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: "PAYLOAD_INVALID" }),
    );
  });

  it("refuses a string that is not UTF-8", () => {
    expect(() => jsonCodec.decode(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/not UTF-8/);
  });

  it("sets no prototype", () => {
    const value = jsonCodec.decode(Buffer.from('{"__proto__":{"admin":true}}'));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
