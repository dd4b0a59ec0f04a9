import { describe, expect, it } from "vitest";
import { WireReader } from "../../../src/wire/reader.ts";

describe("a string from the wire", () => {
  it("that is not UTF-8 is refused, so that no answer repeats it at three times its length", () => {
    const bytes = Buffer.alloc(2 + 32_767, 0xff);
    bytes.writeInt16BE(32_767);
    expect(() => new WireReader(bytes).string()).toThrow(
      expect.objectContaining({ code: "FRAME_MALFORMED" }),
    );
  });

  it("of any language is read as it was written", () => {
    const text = "Messgerät 測定器 🌡";
    const bytes = Buffer.from(`\0\0${text}`);
    bytes.writeInt16BE(bytes.length - 2);
    expect(new WireReader(bytes).string()).toBe(text);
  });
});
