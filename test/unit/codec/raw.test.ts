import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawCodec } from "../../../src/codec/raw.ts";
import { codecSuite } from "../../suites/codec-suite.ts";

const bytesValue = fc
  .uint8Array({ minLength: 1 })
  .map((bytes) => Buffer.concat([bytes, Buffer.from([0xff])]).toString("base64"))
  .map((base64) => ({ base64 }));

codecSuite(rawCodec, {
  values: fc.oneof(fc.string({ unit: "grapheme" }), bytesValue),
  acceptsEverything: true,
});

describe("the codec raw", () => {
  it("shows UTF-8 as text, and other bytes in base64", () => {
    expect(rawCodec.decode(Buffer.from("21.5 °C"))).toBe("21.5 °C");
    expect(rawCodec.decode(Buffer.from([0xff, 0x00]))).toEqual({ base64: "/wA=" });
    expect(rawCodec.decode(Buffer.alloc(0))).toBe("");
  });

  it.each([[21.5], [null], [["text"]], [{ base64: "not base64!" }], [{ base64: "", more: 1 }]])(
    "does not encode %j",
    (value) => {
      expect(() => rawCodec.encode(value)).toThrow(
        expect.objectContaining({ code: "PAYLOAD_INVALID" }),
      );
    },
  );
});
