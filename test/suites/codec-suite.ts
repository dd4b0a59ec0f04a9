/**
 * What every payload codec must keep to, whatever its format. A codec's own test calls this with
 * values that its format can hold, and adds what is special about it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTributaryError } from "../../src/base/errors.ts";
import { DEPTH_MAX, type PayloadCodec, type PlainValue } from "../../src/codec/contract.ts";

export interface CodecSuiteOptions {
  /** Values that come back unchanged from `decode(encode(value))`. */
  readonly values: fc.Arbitrary<PlainValue>;
  /** Whether `decode` accepts any bytes at all. */
  readonly acceptsEverything: boolean;
}

/** Numbers that JSON writes and reads unchanged: it has no minus zero. */
export const plainNumbers = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => value + 0);

/** Values that JSON can hold. `__proto__` is left out: see `cbor.ts`. */
export const plainValues: fc.Arbitrary<PlainValue> = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    plainNumbers,
    fc.integer(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((name) => name !== "__proto__"),
      tie("value"),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

export function codecSuite(codec: PayloadCodec, options: CodecSuiteOptions): void {
  const { values, acceptsEverything } = options;

  describe(`the codec contract, kept by ${codec.name}`, () => {
    it("gives back what it encoded", () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(codec.decode(codec.encode(value))).toEqual(value);
        }),
        { numRuns: 300 },
      );
    });

    it("decodes any bytes into a value that JSON keeps, or refuses them by its own code", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
          const value = decoded(codec, bytes);
          expect(acceptsEverything && value === REFUSED).toBe(false);
          expect(throughJson(value)).toEqual(value);
        }),
        { numRuns: 1000 },
      );
    });

    it("withstands bytes that were damaged on the way", () => {
      fc.assert(
        fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, flip) => {
          const bytes = codec.encode(value);
          fc.pre(bytes.length > 0);
          const at = place % bytes.length;
          bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
          const found = decoded(codec, bytes);
          expect(throughJson(found)).toEqual(found);
        }),
        { numRuns: 300 },
      );
    });

    it("keeps no view into the bytes that it decoded", () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = codec.encode(value);
          const found = codec.decode(bytes);
          bytes.fill(0);
          expect(found).toEqual(value);
        }),
        { numRuns: 50 },
      );
    });

    it("reads from the middle of a larger buffer", () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = codec.encode(value);
          const around = Buffer.concat([Buffer.from("[1,"), bytes, Buffer.from("]")]);
          const view = new Uint8Array(around.buffer, around.byteOffset + 3, bytes.length);
          expect(codec.decode(view)).toEqual(value);
        }),
        { numRuns: 50 },
      );
    });

    it.each([
      ["JSON arrays", Buffer.from("[".repeat(50_000) + "]".repeat(50_000))],
      ["JSON objects", Buffer.from('{"a":'.repeat(50_000) + "1" + "}".repeat(50_000))],
      ["CBOR arrays", Buffer.concat([Buffer.alloc(50_000, 0x81), Buffer.from([0])])],
      ["CBOR tags", Buffer.concat([Buffer.alloc(50_000, 0xc7), Buffer.from([0])])],
    ])("does not follow %s into any depth", (_what, bytes) => {
      const value = decoded(codec, bytes);
      expect(value === REFUSED ? 0 : depthOf(value)).toBeLessThanOrEqual(DEPTH_MAX);
    });
  });
}

const REFUSED = Symbol("refused");

/** What the codec makes of `bytes`. Anything thrown but PAYLOAD_INVALID fails the test. */
function decoded(codec: PayloadCodec, bytes: Uint8Array): PlainValue | typeof REFUSED {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (isTributaryError(error, "PAYLOAD_INVALID")) return REFUSED;
    throw error;
  }
}

/** What JSON makes of a value, written and read again. */
function throughJson(value: PlainValue | typeof REFUSED): PlainValue | typeof REFUSED {
  return value === REFUSED ? value : (JSON.parse(JSON.stringify(value)) as PlainValue);
}

/** Counted level by level, for recursion is what a deep value would break. */
function depthOf(value: PlainValue): number {
  let depth = 0;
  let level: readonly PlainValue[] = [value];
  while (level.length > 0) {
    const nested = level.filter((item) => typeof item === "object" && item !== null);
    if (nested.length === 0) return depth;
    depth += 1;
    level = nested.flatMap((item) => Object.values(item as object) as PlainValue[]);
  }
  return depth;
}
