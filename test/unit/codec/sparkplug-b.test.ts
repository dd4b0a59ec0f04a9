import fc from "fast-check";
import { get } from "sparkplug-payload";
import { describe, expect, it } from "vitest";
import type { PlainValue } from "../../../src/codec/contract.ts";
import { ProtobufWriter } from "../../../src/codec/protobuf-writer.ts";
import { decodeSparkplug } from "../../../src/codec/sparkplug/decode.ts";
import { NESTING_MAX, VALUES_MAX } from "../../../src/codec/sparkplug/payload.ts";
import { sparkplugBCodec } from "../../../src/codec/sparkplug-b.ts";
import { codecSuite } from "../../suites/codec-suite.ts";
import { SINGLE_VALUES, sparkplugPayloads } from "./sparkplug/sparkplug-values.ts";

codecSuite(sparkplugBCodec, { values: sparkplugPayloads, acceptsEverything: false });

/** Eclipse Tahu's own implementation. */
const tahu = get("spBv1.0") as NonNullable<ReturnType<typeof get>>;

type TahuPayload = Parameters<typeof tahu.encodePayload>[0];

function fromTahu(payload: object): PlainValue {
  return sparkplugBCodec.decode(tahu.encodePayload(payload as TahuPayload));
}

function metricFromTahu(metric: object): PlainValue {
  const { metrics } = fromTahu({ metrics: [{ name: "m", ...metric }] }) as {
    metrics: readonly { value: PlainValue }[];
  };
  return metrics[0]?.value ?? null;
}

const refused = (reason: RegExp) =>
  expect.objectContaining({ code: "PAYLOAD_INVALID", message: expect.stringMatching(reason) });

describe("a payload that Eclipse Tahu encoded", () => {
  it("is read whole", () => {
    const payload = {
      timestamp: 1_700_000_000_123,
      seq: 7,
      uuid: "a-uuid",
      body: Buffer.from([1, 2, 3]),
      metrics: [
        { name: "temp", alias: 4, timestamp: 1_700_000_000_100, type: "Float", value: 21.1 },
        { name: "old", type: "Int32", value: -5, isHistorical: true, isTransient: true },
      ],
    };
    expect(fromTahu(payload)).toEqual({
      timestamp: 1_700_000_000_123,
      seq: 7,
      uuid: "a-uuid",
      body: { base64: "AQID" },
      metrics: [
        { name: "temp", alias: 4, timestamp: 1_700_000_000_100, type: "Float", value: 21.1 },
        { name: "old", type: "Int32", historical: true, transient: true, value: -5 },
      ],
    });
  });

  it.each([
    ["Int8", -128, -128],
    ["Int16", -32_768, -32_768],
    ["Int32", -2_147_483_648, -2_147_483_648],
    ["Int64", -1, -1],
    ["UInt8", 255, 255],
    ["UInt16", 65_535, 65_535],
    ["UInt32", 4_294_967_295, 4_294_967_295],
    ["UInt64", Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ["Float", 0.1, 0.1],
    ["Float", Number.NaN, "NaN"],
    ["Double", 0.1, 0.1],
    ["Double", Number.NEGATIVE_INFINITY, "-Infinity"],
    ["Boolean", true, true],
    ["String", "21 °C", "21 °C"],
    ["DateTime", 1_700_000_000_123, 1_700_000_000_123],
    ["Text", "long", "long"],
    ["UUID", "0b4b1b0e-9c4e-4a2e-8c7e-0d9f6a3b2c1d", "0b4b1b0e-9c4e-4a2e-8c7e-0d9f6a3b2c1d"],
    ["Bytes", Buffer.from([0xff, 0]), { base64: "/wA=" }],
    ["File", Buffer.from("text"), { base64: "dGV4dA==" }],
  ])("gives its %s %s", (type, value, plain) => {
    expect(metricFromTahu({ type, value })).toEqual(plain);
  });

  it("gives its data sets, templates, properties and metadata", () => {
    const payload = {
      metrics: [
        {
          name: "rows",
          type: "DataSet",
          value: {
            numOfColumns: 3,
            columns: ["id", "at", "ok"],
            types: ["Int8", "UInt64", "Boolean"],
            rows: [
              [-1, 5, true],
              [2, 6, false],
            ],
          },
        },
        {
          name: "motor",
          type: "Template",
          value: {
            version: "v1",
            templateRef: "Motor",
            isDefinition: false,
            metrics: [{ name: "rpm", type: "Int16", value: -20 }],
            parameters: [{ name: "poles", type: "UInt32", value: 4 }],
          },
          metadata: { isMultiPart: false, contentType: "none", size: 3, md5: "x" },
          properties: {
            unit: { type: "String", value: "rpm" },
            more: { type: "PropertySet", value: { low: { type: "Double", value: 1.5 } } },
            many: { type: "PropertySetList", value: [{ a: { type: "Int8", value: -1 } }] },
          },
        },
      ],
    };
    expect(fromTahu(payload)).toEqual({
      metrics: [
        {
          name: "rows",
          type: "DataSet",
          value: {
            columns: ["id", "at", "ok"],
            types: ["Int8", "UInt64", "Boolean"],
            rows: [
              [-1, 5, true],
              [2, 6, false],
            ],
          },
        },
        {
          name: "motor",
          type: "Template",
          metadata: { multiPart: false, contentType: "none", size: 3, md5: "x" },
          properties: {
            unit: { type: "String", value: "rpm" },
            more: { type: "PropertySet", value: { low: { type: "Double", value: 1.5 } } },
            many: { type: "PropertySetList", value: [{ a: { type: "Int8", value: -1 } }] },
          },
          value: {
            version: "v1",
            templateRef: "Motor",
            definition: false,
            metrics: [{ name: "rpm", type: "Int16", value: -20 }],
            parameters: [{ name: "poles", type: "UInt32", value: 4 }],
          },
        },
      ],
    });
  });
});

it("what is encoded here, Eclipse Tahu reads the same", () => {
  const types = ["Int8", "Int16", "Int32", "UInt8", "UInt16", "Boolean", "String", "Double"];
  const metrics = fc.constantFrom(...types).chain((type) =>
    fc.record({
      name: fc.string(),
      alias: fc.nat(),
      timestamp: fc.nat(),
      type: fc.constant(type),
      value: SINGLE_VALUES[type] as fc.Arbitrary<PlainValue>,
    }),
  );
  fc.assert(
    fc.property(fc.array(metrics, { maxLength: 4 }), fc.nat(255), (list, seq) => {
      const read = tahu.decodePayload(sparkplugBCodec.encode({ seq, metrics: list }));
      expect(Number(read.seq)).toBe(seq);
      const found = (read.metrics ?? []).map((metric) => ({
        name: metric.name,
        alias: Number(metric.alias),
        timestamp: Number(metric.timestamp),
        type: metric.type as string,
        value: Number.isNaN(metric.value) ? "NaN" : metric.value,
      }));
      const finite = list.map((metric) => ({ ...metric, value: asTahuReads(metric.value) }));
      expect(found).toEqual(finite);
    }),
    { numRuns: 200 },
  );
});

function asTahuReads(value: PlainValue): unknown {
  return value === "Infinity" || value === "-Infinity" ? Number(value) : value;
}

describe("numbers", () => {
  it.each([
    ["Int8 in one byte, as some senders write it", 1, 0xff, -1],
    ["Int8 in 32 bits", 1, 0xffff_ffff, -1],
    ["Int16 in 32 bits", 2, 0xffff_8000, -32_768],
    ["Int32", 3, 0x8000_0000, -2_147_483_648],
    ["UInt32 in int_value, as the specification says", 7, 0xffff_ffff, 4_294_967_295],
    ["an integer without a type", undefined, 0xffff_ffff, 4_294_967_295],
  ])("%s", (_what, type, wire, value) => {
    const metric = new ProtobufWriter();
    if (type !== undefined) metric.uint64(4, type);
    metric.uint64(10, wire);
    expect(onlyMetric(metric).value).toBe(value);
  });

  it.each([
    ["Int64", 4, 2n ** 64n - 1n, -1],
    ["the least Int64", 4, 2n ** 63n, "-9223372036854775808"],
    ["the largest UInt64", 8, 2n ** 64n - 1n, "18446744073709551615"],
    ["the first that a number would round", 8, 2n ** 53n, "9007199254740992"],
    ["the last that it would not", 8, 2n ** 53n - 1n, 9_007_199_254_740_991],
  ])("%s keeps all its digits", (_what, type, wire, value) => {
    const metric = new ProtobufWriter().uint64(4, type).uint64(11, wire);
    expect(onlyMetric(metric).value).toBe(value);
  });

  it("a type that stands behind its value counts as well", () => {
    expect(onlyMetric(new ProtobufWriter().uint64(10, 0xff).uint64(4, 1)).value).toBe(-1);
  });

  it("a type of a later specification is its number", () => {
    const metric = onlyMetric(new ProtobufWriter().uint64(4, 99).string(15, "x"));
    expect(metric).toEqual({ type: 99, value: "x" });
  });
});

// The examples of Sparkplug 3.0, section 6.4.17. Left out are those that break its own rule, which is
// little endian: Int8Array, Int64Array, FloatArray and DoubleArray stand here by that rule instead.
it.each([
  ["Int8Array", 22, "e97b", [-23, 123]],
  ["Int16Array", 23, "d08a3075", [-30_000, 30_000]],
  ["Int32Array", 24, "15cd5b07b168de3a", [123_456_789, 987_654_321]],
  ["Int32Array", 24, "fffffffffaafcb12", [-1, 315_338_746]],
  ["Int64Array", 25, "ffffffffffffff7ffeffffffffffffff", ["9223372036854775807", -2]],
  ["UInt8Array", 26, "17fa", [23, 250]],
  ["UInt16Array", 27, "1e0088cc", [30, 52_360]],
  ["UInt32Array", 28, "3400000049fb55c4", [52, 3_293_969_225]],
  ["UInt64Array", 29, "3400000000000000d99e02d1b27637e4", [52, "16444743074749521625"]],
  ["FloatArray", 30, "a4709d3f98aeb242", [1.23, 89.341]],
  ["DoubleArray", 31, "d7a205685bb52840", [12.354213]],
  ["BooleanArray", 32, "0c00000034d0", bits("001101001101")],
  ["BooleanArray", 32, "0c00000034df", bits("001101001101")],
  ["StringArray", 33, "4142430068656c6c6f00", ["ABC", "hello"]],
  ["DateTimeArray", 34, "c7d0907524010000", [1_256_102_875_335]],
])("reads a %s", (_type, number, hex, values) => {
  const metric = new ProtobufWriter().uint64(4, number).bytes(16, Buffer.from(hex, "hex"));
  expect(onlyMetric(metric).value).toEqual(values);
});

function bits(text: string): boolean[] {
  return Array.from(text, (bit) => bit === "1");
}

describe("what is refused", () => {
  const nested = (levels: number): ProtobufWriter =>
    levels === 0
      ? new ProtobufWriter()
      : new ProtobufWriter().message(18, new ProtobufWriter().message(2, nested(levels - 1)));
  const nestedSets = (levels: number): ProtobufWriter => {
    if (levels === 0) return new ProtobufWriter();
    const property = new ProtobufWriter().message(9, nestedSets(levels - 1));
    return new ProtobufWriter().string(1, "k").message(2, property);
  };
  const metricBytes = (type: number, hex: string) =>
    new ProtobufWriter().uint64(4, type).bytes(16, Buffer.from(hex, "hex"));

  it.each([
    ["an array of half an element", metricBytes(24, "ffffff"), /4-byte elements has 3 bytes/],
    ["more booleans than there are bits", metricBytes(32, "0900000000"), /9 booleans/],
    ["a boolean array without its count", metricBytes(32, "00"), /0 booleans has 1 bytes/],
    ["a StringArray that is cut short", metricBytes(33, "4142"), /zero byte/],
    [
      "too many booleans in few bytes",
      metricBytes(32, `40420f00${"00".repeat(125_000)}`),
      /values/,
    ],
    ["templates in templates without end", nested(NESTING_MAX + 1), /deeper than 16/],
    [
      "property sets in property sets without end",
      new ProtobufWriter().message(9, nestedSets(NESTING_MAX + 1)),
      /deeper than 16/,
    ],
    ["text that is not UTF-8", new ProtobufWriter().bytes(1, Buffer.from([0xff])), /UTF-8/],
    ["a name that is a number", new ProtobufWriter().uint64(1, 5), /wire type 0, not 2/],
  ])("%s", (_what, metric, reason) => {
    const bytes = new ProtobufWriter().message(2, metric).finish();
    expect(() => sparkplugBCodec.decode(bytes)).toThrow(refused(reason));
  });

  it.each([
    ["a length beyond the end", "1205", /cut short/],
    ["a name that goes on after its metric", "12030a054142430000", /cut short/],
    ["a length of 2^63", "12ffffffffffffffff7f", /cut short/],
    ["a varint without an end", `08${"ff".repeat(11)}`, /longer than 64 bits/],
    ["a group", "0b0c", /wire type 3/],
    ["the field 0", "00", /no field/],
  ])("%s", (_what, hex, reason) => {
    expect(() => sparkplugBCodec.decode(Buffer.from(hex, "hex"))).toThrow(refused(reason));
  });

  it(`more than ${VALUES_MAX} metrics`, () => {
    const bytes = Buffer.from("1200".repeat(VALUES_MAX + 1), "hex");
    expect(() => sparkplugBCodec.decode(bytes)).toThrow(refused(/more than 100000 values/));
  });

  it("a data set whose rows do not fit its columns", () => {
    const set = new ProtobufWriter().string(2, "a").uint64(3, 3);
    set.message(4, new ProtobufWriter());
    const bytes = new ProtobufWriter().message(2, new ProtobufWriter().message(17, set)).finish();
    expect(() => sparkplugBCodec.decode(bytes)).toThrow(refused(/0 cells in 1 columns/));
  });

  it.each([
    ["a list", []],
    ["an unknown field", { metrics: [], more: 1 }],
    ["a payload without metrics", { seq: 1 }],
    ["an Int8 of 128", { metrics: [{ type: "Int8", value: 128 }] }],
    ["a UInt8 below 0", { metrics: [{ type: "UInt8", value: -1 }] }],
    ["a fraction in an Int32", { metrics: [{ type: "Int32", value: 1.5 }] }],
    ["a Float of 1e300", { metrics: [{ type: "Float", value: 1e300 }] }],
    ["a type that does not exist", { metrics: [{ type: "Int7", value: 1 }] }],
    ["an object for a value", { metrics: [{ type: "Int8", value: {} }] }],
  ])("to encode %s", (_what, value) => {
    expect(() => sparkplugBCodec.encode(value as PlainValue)).toThrow(refused(/./));
  });
});

it("unknown fields and extensions are passed over", () => {
  const metric = new ProtobufWriter().string(1, "m").double(900, 1).float(901, 1).uint64(902, 1);
  const payload = new ProtobufWriter().message(2, metric).message(6, new ProtobufWriter());
  expect(sparkplugBCodec.decode(payload.finish())).toEqual({
    metrics: [{ name: "m", value: null }],
  });
});

it("a birth's definitions give a metric its name and its type", () => {
  const metric = new ProtobufWriter().uint64(2, 5).uint64(10, 0xffff_fffe);
  const bytes = new ProtobufWriter().message(2, metric).finish();
  const { metrics } = decodeSparkplug(bytes, (alias) =>
    alias === 5 ? { name: "level", type: "Int32" } : undefined,
  );
  expect(metrics).toEqual([{ name: "level", alias: 5, type: "Int32", value: -2 }]);
});

function onlyMetric(metric: ProtobufWriter) {
  const { metrics } = decodeSparkplug(new ProtobufWriter().message(2, metric).finish());
  return metrics[0] ?? expect.fail("there is no metric");
}
