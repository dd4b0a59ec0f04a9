import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import { BatchBuilder, encodeHeaders } from "../../../src/wire/batch-builder.ts";
import { BATCH_HEADER_BYTES } from "../../../src/wire/record-batch.ts";
import { RecordWalk } from "../../../src/wire/record-walk.ts";
import { checkSection, largestTimestampMs } from "../../../src/wire/records.ts";

const BASE_MS = 1_767_225_600_000;

const text = fc.option(fc.string({ maxLength: 90 }));
const batchOfRecords = fc
  .array(
    fc.record({
      timeMs: fc.nat(10 ** 10),
      key: text,
      value: text,
      headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), text), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((all) => {
    const builder = new BatchBuilder();
    for (const { timeMs, key, value, headers } of all) {
      const encoded = headers.map(([name, content]) => ({
        key: Buffer.from(name),
        value: bytesOf(content),
      }));
      builder.add(BASE_MS + timeMs, bytesOf(key), bytesOf(value), encodeHeaders(encoded));
    }
    return builder.finish();
  });

/** A byte that is another one, a few that are missing, or a few too many. */
const damage = fc.record({
  kind: fc.constantFrom("changed", "cut", "longer", "none"),
  at: fc.nat(10_000),
  value: fc.nat(255),
});

function bytesOf(content: string | null): Buffer | null {
  return content === null ? null : Buffer.from(content);
}

interface Harm {
  readonly kind: string;
  readonly at: number;
  readonly value: number;
}

function damaged(section: Buffer, { kind, at, value }: Harm): Buffer {
  const place = at % section.length;
  if (kind === "cut") return section.subarray(0, place);
  if (kind === "longer") return Buffer.concat([section, Buffer.alloc(1 + (value % 3), at)]);
  const copy = Buffer.from(section);
  if (kind === "changed") copy[place] = value;
  return copy;
}

/** What comes of it: the largest timestamp, or the code of the complaint. */
function outcome(check: () => number): number | string {
  try {
    return check();
  } catch (error) {
    if (isTributaryError(error)) return error.code;
    throw error;
  }
}

function walkThrough(batch: Buffer, pieces: readonly Buffer[], fieldsMax: number): number {
  const walk = new RecordWalk(batch);
  for (const piece of pieces) {
    walk.push(piece);
    while (walk.walk(fieldsMax)) continue;
  }
  walk.end();
  while (walk.walk(fieldsMax)) continue;
  return largestTimestampMs(batch, walk.maxTimestampDelta);
}

function cut(section: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let nth = 0; at < section.length; nth += 1) {
    const size = sizes[nth % sizes.length] ?? 1;
    pieces.push(section.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe("a walk through records in pieces", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 });

  it("takes what a check of the whole takes, and refuses what that refuses", () => {
    fc.assert(
      fc.property(
        batchOfRecords,
        damage,
        sizes,
        fc.integer({ min: 1, max: 50 }),
        (batch, harm, pieceBytes, fieldsMax) => {
          const section = damaged(batch.subarray(BATCH_HEADER_BYTES), harm);
          const whole = outcome(() => checkSection(batch, section));
          const pieces = cut(section, pieceBytes);
          expect(outcome(() => walkThrough(batch, pieces, fieldsMax))).toBe(whole);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("rests after as many fields as it is asked for", () => {
    const builder = new BatchBuilder();
    for (let nth = 0; nth < 100; nth += 1) builder.add(BASE_MS, null, Buffer.from("value"));
    const batch = builder.finish();
    const walk = new RecordWalk(batch);
    walk.push(batch.subarray(BATCH_HEADER_BYTES));
    walk.end();
    let rests = 0;
    while (walk.walk(10)) rests += 1;
    // A length, a timestamp, an offset, a key, a value and a count of headers each.
    expect(rests).toBe(60);
  });

  it("passes over a value that spans pieces, and keeps none of them", () => {
    const builder = new BatchBuilder();
    builder.add(BASE_MS + 5, null, Buffer.alloc(100_000));
    const batch = builder.finish();
    const pieces = cut(batch.subarray(BATCH_HEADER_BYTES), [1000]);
    expect(walkThrough(batch, pieces, 100)).toBe(BASE_MS + 5);
    expect(outcome(() => walkThrough(batch, pieces.slice(1), 100))).toBe("BATCH_INVALID");
    expect(outcome(() => walkThrough(batch, pieces.slice(0, -1), 100))).toBe("BATCH_INVALID");
  });
});
