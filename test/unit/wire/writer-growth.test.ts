import { describe, expect, it } from "vitest";
import { WireReader } from "../../../src/wire/reader.ts";
import { WireWriter } from "../../../src/wire/writer.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";

describe("a writer whose buffer grows", () => {
  const fields: [string, (writer: WireWriter) => void, (reader: WireReader) => unknown, unknown][] =
    [
      ["int8", (to) => to.int8(-7), (from) => from.int8(), -7],
      ["int16", (to) => to.int16(-700), (from) => from.int16(), -700],
      ["uint16", (to) => to.uint16(65_000), (from) => from.uint16(), 65_000],
      ["int32", (to) => to.int32(-70_000), (from) => from.int32(), -70_000],
      ["uint32", (to) => to.uint32(4e9), (from) => from.uint32(), 4e9],
      ["int64", (to) => to.int64(7e12), (from) => from.int64(), 7e12],
      ["float64", (to) => to.float64(0.5), (from) => from.float64(), 0.5],
      ["uvarint", (to) => to.uvarint(300), (from) => from.uvarint(), 300],
      ["uuid", (to) => to.uuid(UUID), (from) => from.uuid(), UUID],
      ["string", (to) => to.string("reading"), (from) => from.string(), "reading"],
      [
        "bytes",
        (to) => to.bytes(Buffer.from("ab")),
        (from) => from.bytes().toString("latin1"),
        "ab",
      ],
    ];

  for (const [kind, write, read, value] of fields) {
    it(`writes a whole ${kind}, wherever the end of the buffer falls`, () => {
      for (let initialBytes = 1; initialBytes <= 64; initialBytes += 1) {
        const writer = new WireWriter(false, initialBytes);
        for (let count = 0; count < 5; count += 1) write(writer);
        const reader = new WireReader(Buffer.concat(writer.finish()));
        for (let count = 0; count < 5; count += 1) expect(read(reader)).toBe(value);
      }
    });
  }
});

describe("a writer that begins anew", () => {
  it("copies out what was written since, long ranges and a grown buffer included", () => {
    const writer = new WireWriter(true);
    const large = Buffer.alloc(100_000, 1);
    const copies = [];
    for (const text of ["first", "x".repeat(40_000), "last"]) {
      copies.push(writer.restart().string(text).raw(large).string(text).copy());
    }
    const texts = copies.map((copy) => {
      const reader = new WireReader(copy, true);
      const before = reader.string();
      expect(reader.raw(large.length).equals(large)).toBe(true);
      expect(reader.string()).toBe(before);
      expect(reader.remaining).toBe(0);
      return before;
    });
    expect(texts).toEqual(["first", "x".repeat(40_000), "last"]);
  });
});
