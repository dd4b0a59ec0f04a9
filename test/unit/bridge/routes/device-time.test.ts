import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeviceTime, type TimeUnit } from "../../../../bridge/routes/device-time.ts";
import { cborCodec } from "../../../../src/codec/cbor.ts";
import { jsonCodec } from "../../../../src/codec/json.ts";

const T = 1_700_000_000_123;

function fromJson(value: unknown, unit: TimeUnit, field = "ts"): number | undefined {
  return new DeviceTime(field, unit, jsonCodec).read(Buffer.from(JSON.stringify(value)));
}

test.each<[TimeUnit, unknown]>([
  ["ms", T],
  ["s", T / 1000],
  ["us", T * 1000],
  ["iso", "2023-11-14T22:13:20.123Z"],
])("a time in %s is read", (unit, ts) => {
  expect(fromJson({ ts }, unit)).toBe(T);
});

test("a time within the payload is read by its path", () => {
  expect(fromJson({ meta: { ts: T } }, "ms", "meta.ts")).toBe(T);
});

test("a time in CBOR is read, also one of CBOR's own type", () => {
  const payload = cborCodec.encode({ meta: { ts: T } });
  expect(new DeviceTime("meta.ts", "ms", cborCodec).read(payload)).toBe(T);
  // {"ts": 1(1700000000)}: a map with an epoch-based date (tag 1), RFC 8949 section 3.4.2.
  const dated = Buffer.from("a1627473c11a6553f100", "hex");
  expect(new DeviceTime("ts", "iso", cborCodec).read(dated)).toBe(1_700_000_000_000);
});

describe("what is no time is refused", () => {
  test.each([
    {},
    { ts: null },
    { ts: "soon" },
    { ts: 0 },
    { ts: -5 },
    { ts: 8.7e15 },
    { ts: [T] },
    5,
  ])("%j", (payload) => {
    expect(fromJson(payload, "ms")).toBeUndefined();
  });

  test("a payload that is not what the route says", () => {
    expect(new DeviceTime("ts", "ms", jsonCodec).read(Buffer.from("{"))).toBeUndefined();
    expect(new DeviceTime("ts", "ms", cborCodec).read(Buffer.from([0xff]))).toBeUndefined();
  });

  test("a name that every object has", () => {
    expect(fromJson({}, "ms", "constructor.length")).toBeUndefined();
  });
});

test("whatever the payload, a time is a whole number of milliseconds that a date can hold", () => {
  const units = fc.constantFrom<TimeUnit>("ms", "s", "us", "iso");
  fc.assert(
    fc.property(fc.jsonValue(), units, (ts, unit) => {
      const timeMs = fromJson({ ts }, unit);
      if (timeMs === undefined) return;
      expect(Number.isSafeInteger(timeMs)).toBe(true);
      expect(() => new Date(timeMs).toISOString()).not.toThrow();
    }),
    { numRuns: 1_000 },
  );
});
