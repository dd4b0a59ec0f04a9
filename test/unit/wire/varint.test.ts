import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VarintCursor, varintBytes, writeVarint } from "../../../src/wire/varint.ts";

const SAFE_HALF = 2 ** 52;

function written(value: number): Buffer {
  const buffer = Buffer.alloc(16);
  return buffer.subarray(0, writeVarint(buffer, value, 0));
}

describe("VarintCursor", () => {
  it("reads back every varlong that is written, and stands behind it", () => {
    fc.assert(
      fc.property(fc.integer({ min: -SAFE_HALF, max: SAFE_HALF - 1 }), (value) => {
        const bytes = written(value);
        const cursor = new VarintCursor(bytes);
        expect(bytes.length).toBe(varintBytes(value));
        expect(cursor.varlong()).toBe(value);
        expect(cursor.at).toBe(bytes.length);
      }),
    );
  });

  it("reads back every varint of 32 bits, one after another", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const cursor = new VarintCursor(Buffer.concat(values.map(written)));
        expect(values.map(() => cursor.varint())).toEqual(values);
      }),
    );
  });

  // From the encoding's own definition (Protocol Buffers, "Signed Integers").
  it.each([
    ["00", 0],
    ["01", -1],
    ["02", 1],
    ["03", -2],
    ["7e", 63],
    ["7f", -64],
    ["8001", 64],
    ["fe7f", 8191],
    ["ff7f", -8192],
    ["808001", 8192],
    ["feffffff0f", 2147483647],
    ["ffffffff0f", -2147483648],
    ["ac02", 150],
  ])("reads %s as %i, and stands behind it", (hex, value) => {
    const cursor = new VarintCursor(Buffer.from(hex, "hex"));
    expect(cursor.varint()).toBe(value);
    expect(cursor.at).toBe(hex.length / 2);
  });

  it.each([
    ["the end of the bytes within it", "ffff"],
    ["no bytes at all", ""],
    ["more than 32 bits", "8080808010"],
    ["more than 53 bits", "ffffffffffffffff7f"],
    ["more than ten bytes", "8080808080808080808000"],
  ])("refuses a varint with %s", (_what, hex) => {
    expect(() => new VarintCursor(Buffer.from(hex, "hex")).varint()).toThrow(
      expect.objectContaining({ code: "BATCH_INVALID" }),
    );
  });
});
