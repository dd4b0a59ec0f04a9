import { describe, expect, it } from "vitest";
import { WireReader } from "../../../src/wire/reader.ts";
import { WireWriter } from "../../../src/wire/writer.ts";

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

describe("arrays from the wire", () => {
  /** Reads an array of two arrays of so many bytes each. */
  function read(first: number, second: number) {
    const writer = new WireWriter();
    writer.array([first, second], (count) => {
      const bytes = Array.from({ length: count }, () => 0);
      writer.array(bytes, (each) => writer.int8(each));
    });
    const reader = new WireReader(Buffer.concat(writer.finish()));
    return reader.array(() => reader.array(() => reader.int8()).length);
  }

  it("hold so many elements together, however they are nested", () => {
    expect(read(200_000, 49_998)).toEqual([200_000, 49_998]);
    expect(() => read(200_000, 49_999)).toThrow(
      expect.objectContaining({ code: "FRAME_MALFORMED" }),
    );
  });
});
