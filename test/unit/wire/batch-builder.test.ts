import fc from "fast-check";
import { expect, test } from "vitest";
import { BatchBuilder, encodeHeaders } from "../../../src/wire/batch-builder.ts";
import { Slices } from "../../../src/wire/slices.ts";

const KEYS = [null, "", "k", "plant/line-4/press-7/temperature", "x".repeat(200)].map((key) =>
  key === null ? null : Buffer.from(key),
);
const HEADERS = [
  encodeHeaders([]),
  encodeHeaders([{ key: Buffer.from("unit"), value: Buffer.from("kPa") }]),
];
const SOURCE = Buffer.from(Array.from({ length: 20_000 }, (_, at) => (at * 131) & 0xff));

const record = fc.record({
  timestampMs: fc.oneof(fc.constant(1_000), fc.nat(2 ** 40)),
  key: fc.constantFrom(...KEYS),
  headers: fc.constantFrom(...HEADERS),
  from: fc.oneof(fc.nat(100), fc.constant(SOURCE.length - 40)),
  bytes: fc.oneof(fc.constantFrom(0, 8, 100), fc.nat(40), fc.nat(9_000)),
  /** The slices of one call are not all of the same length. */
  varying: fc.boolean(),
});
/** A device sends the same kind of message several times in a row. */
const run = fc.tuple(record, fc.integer({ min: 1, max: 90 }));

test("slices of a source make the batch that the same values make one by one", () => {
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), (runs) => {
      const bySlices = new BatchBuilder();
      const byValues = new BatchBuilder(Buffer.alloc(61));
      const slices = new Slices(90);
      for (const [{ timestampMs, key, headers, from, bytes, varying }, times] of runs) {
        slices.clear();
        for (let nth = 0; nth < times; nth += 1) {
          const at = from + (nth % 3);
          const to = Math.min(at + bytes + (varying ? nth % 5 : 0), SOURCE.length);
          slices.add(at, to);
          const ownKey = key && Buffer.from(key);
          byValues.add(timestampMs, ownKey, SOURCE.subarray(at, to), headers);
        }
        const middle = times >> 1;
        bySlices.addSlices(timestampMs, key, SOURCE, slices, 0, middle, headers);
        bySlices.addSlices(timestampMs, key, SOURCE, slices, middle, times, headers);
      }
      expect(bySlices.finish().equals(byValues.finish())).toBe(true);
    }),
  );
});

test("a key that changes between two records is written as it is at each", () => {
  const key = Buffer.from("first");
  const builder = new BatchBuilder();
  builder.add(0, key, Buffer.from("value"));
  key.write("other");
  builder.add(0, key, Buffer.from("value"));
  const text = builder.finish().toString("latin1");
  expect(text).toContain("first");
  expect(text).toContain("other");
});
