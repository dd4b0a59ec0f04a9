import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeProducerState, encodeProducerState } from "../../../src/kafka/producer-record.ts";
import { lastSequenceOf, type ProducerState } from "../../../src/kafka/producer-state.ts";

const OFFSET_MAX = 2 ** 50;
const SEQUENCE_MAX = 0x7fff_ffff;

const flushed = Promise.resolve();
const batch = fc
  .record({
    firstSequence: fc.oneof(fc.nat(100), fc.integer({ min: SEQUENCE_MAX - 9, max: SEQUENCE_MAX })),
    records: fc.integer({ min: 1, max: 1_000_000 }),
    baseOffset: fc.nat(OFFSET_MAX),
    logAppendTimeMs: fc.oneof(fc.constant(-1), fc.nat(4e12)),
  })
  .map(({ firstSequence, records, baseOffset, logAppendTimeMs }) => ({
    firstSequence,
    lastSequence: lastSequenceOf(firstSequence, records),
    placed: { baseOffset, logAppendTimeMs },
    flushed,
  }));
const state: fc.Arbitrary<ProducerState> = fc.record({
  epoch: fc.nat(32_767),
  lastSeenMs: fc.nat(4e12),
  batches: fc.array(batch, { maxLength: 5 }),
});

describe("a producer's record", () => {
  it("holds whatever there is to remember", () => {
    fc.assert(
      fc.property(state, (given) => {
        expect(decodeProducerState(encodeProducerState(given))).toEqual(given);
      }),
    );
  });

  it("is short where batches follow one another", () => {
    const batches = Array.from({ length: 5 }, (_, nth) => ({
      firstSequence: 1_000_000 + nth * 10,
      lastSequence: 1_000_009 + nth * 10,
      placed: { baseOffset: 123_456_789 + nth * 10, logAppendTimeMs: -1 },
      flushed,
    }));
    const record = encodeProducerState({ epoch: 3, lastSeenMs: 1_800_000_000_000, batches });
    expect(record.length).toBeLessThanOrEqual(42);
  });

  it("of version 1, with fixed fields, is read as well", () => {
    const bytes = Buffer.alloc(11 + 24);
    bytes.writeInt8(1, 0);
    bytes.writeInt16BE(4, 1);
    bytes.writeBigInt64BE(1_700_000_000_000n, 3);
    bytes.writeInt32BE(7, 11);
    bytes.writeInt32BE(9, 15);
    bytes.writeBigInt64BE(77n, 19);
    bytes.writeBigInt64BE(-1n, 27);
    const placed = { baseOffset: 77, logAppendTimeMs: -1 };
    expect(decodeProducerState(bytes)).toEqual({
      epoch: 4,
      lastSeenMs: 1_700_000_000_000,
      batches: [{ firstSequence: 7, lastSequence: 9, placed, flushed }],
    });
  });

  it("of a version to come is none", () => {
    expect(decodeProducerState(Uint8Array.of(9, 0, 0))).toBeUndefined();
  });
});
