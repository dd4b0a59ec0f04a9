import { Encoder } from "cbor-x";
import { describe, expect, it } from "vitest";
import { cborCodec } from "../../../src/codec/cbor.ts";
import { codecSuite, plainValues } from "../../suites/codec-suite.ts";

codecSuite(cborCodec, { values: plainValues, acceptsEverything: false });

function decodeHex(hex: string) {
  return cborCodec.decode(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

describe("the codec cbor", () => {
  // RFC 8949, appendix A, less what JSON cannot tell apart.
  it.each([
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["1903e8", 1000],
    ["1a000f4240", 1_000_000],
    ["1b000000e8d4a51000", 1_000_000_000_000],
    ["1bffffffffffffffff", "18446744073709551615"],
    ["c249010000000000000000", "18446744073709551616"],
    ["3bffffffffffffffff", "-18446744073709551616"],
    ["c349010000000000000000", "-18446744073709551617"],
    ["20", -1],
    ["3903e7", -1000],
    ["f90000", 0],
    ["f93c00", 1],
    ["fb3ff199999999999a", 1.1],
    ["f97bff", 65504],
    ["fa47c35000", 100000],
    ["fb7e37e43c8800759c", 1e300],
    ["f90001", 5.960464477539063e-8],
    ["f97c00", "Infinity"],
    ["f97e00", "NaN"],
    ["f9fc00", "-Infinity"],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["f7", null],
    ["c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00.000Z"],
    ["c11a514b67b0", "2013-03-21T20:04:00.000Z"],
    ["d74401020304", { base64: "AQIDBA==" }],
    ["d82076687474703a2f2f7777772e6578616d706c652e636f6d", "http://www.example.com"],
    ["40", { base64: "" }],
    ["6449455446", "IETF"],
    ["62c3bc", "ü"],
    ["80", []],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    ["a0", {}],
    ["a201020304", { "1": 2, "3": 4 }],
    ["a26161016162820203", { a: 1, b: [2, 3] }],
    ["826161a161626163", ["a", { b: "c" }]],
    ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
    ["bf61610161629f0203ffff", { a: 1, b: [2, 3] }],
    ["d9d9f7a1616101", { a: 1 }],
    ["d845440100ff7f", [1, 32767]],
  ])("reads %s", (hex, value) => {
    expect(decodeHex(hex)).toEqual(value);
  });

  it.each([
    ["no bytes", "", /cut short/],
    ["an array that is cut short", "8200", /cut short/],
    ["text that is cut short", "6449", /cut short/],
    ["an array of 2^32 items in five bytes", "9affffffff", /cut short/],
    ["a map of 2^64 entries in nine bytes", "bbffffffffffffffff", /cut short/],
    ["bytes of 2^64 in nine bytes", "5bffffffffffffffff", /cut short/],
    ["two items", "0101", /1 bytes follow/],
    ["a break without a beginning", "ff", /begins no item/],
    ["a reserved length", "1c", /begins no item/],
    ["shared values (tag 28, 29)", "82 d81c 80 d81d 00", /tag 28/],
    ["a packed table (tag 51)", "d833 84 80 80 80 00", /tag 51/],
    ["a packed reference (tag 6)", "c600", /tag 6/],
    ["a generic object (tag 27)", "d81b 82 65 4572726f72 61 78", /tag 27/],
    ["a record definition of cbor-x", "d9dfff 83 19e000 81 61 61 01", /tag 57343/],
    ["bundled strings of cbor-x", "d9dff9 82 00 00", /tag 57337/],
    ["an integer of a hundred bytes", `c2 58 64 ${"ff".repeat(100)}`, /longer than 64 bytes/],
    ["a simple value without a meaning", "e0", /not CBOR/],
    ["a map as the key of a map", "a1 a0 00", /not CBOR/],
  ])("refuses %s", (_what, hex, reason) => {
    expect(() => decodeHex(hex)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_INVALID", message: expect.stringMatching(reason) }),
    );
  });

  it("is not confused by a payload that came before", () => {
    const definition = new Encoder({ useRecords: true }).encode({ temp: 1, hum: 2 });
    expect(() => cborCodec.decode(definition)).toThrow(/tag/);
    expect(cborCodec.decode(cborCodec.encode({ temp: 1 }))).toEqual({ temp: 1 });
    expect(() => decodeHex("d9e000 82 01 02")).toThrow(/tag 57344/);
  });

  it("encodes integers and text in their shortest form", () => {
    expect(cborCodec.encode({ a: [1, "b", null] }).toString("hex")).toBe("a1616183016162f6");
  });
});
