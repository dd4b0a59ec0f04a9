import { describe, expect, it } from "vitest";
import { autoCodec } from "../../../src/codec/auto.ts";
import { cborCodec } from "../../../src/codec/cbor.ts";
import { codecSuite, plainValues } from "../../suites/codec-suite.ts";

codecSuite(autoCodec, { values: plainValues, acceptsEverything: true });

describe("the codec auto", () => {
  it.each([
    ["JSON", '{"temp":21.5}', { temp: 21.5 }],
    ["JSON behind white space", "\n [1, 2]", [1, 2]],
    ["a number", "21.5", 21.5],
    ["a word of JSON", "true", true],
    ["text", "on", "on"],
    ["text that begins as JSON does", "no", "no"],
    ["text that begins as an object does", "{open", "{open"],
    ["text in another script", "ñandú", "ñandú"],
    ["nothing", "", ""],
  ])("reads %s", (_what, text, value) => {
    expect(autoCodec.decode(Buffer.from(text))).toEqual(value);
  });

  it.each([[{ temp: 21.5 }], [[1, 2, 3]], [{}], [[]], [{ nested: { a: ["b"] } }]])(
    "knows the CBOR of %j",
    (value) => {
      expect(autoCodec.decode(cborCodec.encode(value))).toEqual(value);
    },
  );

  it("shows bytes that are nothing else in base64", () => {
    expect(autoCodec.decode(Buffer.from([0xff, 0xfe]))).toEqual({ base64: "//4=" });
  });

  it("does not take CBOR with bytes after it for CBOR", () => {
    const bytes = Buffer.concat([cborCodec.encode({ a: 1 }), Buffer.from([0])]);
    expect(autoCodec.decode(bytes)).toEqual({ base64: bytes.toString("base64") });
  });
});
