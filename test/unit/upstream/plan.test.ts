import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import { stretchesOf } from "../../../src/log/committed-slice.ts";
import type { AbortedTransaction } from "../../../src/log/contract.ts";
import { type Plan, type PlanInput, planWrites } from "../../../src/upstream/plan.ts";
import { Position } from "../../../src/upstream/position.ts";
import { BatchBuilder, encodeHeaders } from "../../../src/wire/batch-builder.ts";
import { compress } from "../../../src/wire/compression.ts";
import { partitionForKey } from "../../../src/wire/murmur2.ts";
import {
  assignOffset,
  attributes,
  BATCH_HEADER_BYTES,
  baseSequence,
  baseTimestampMs,
  batchDamage,
  COMPRESSION_CODECS,
  type CompressionCodec,
  compressionCodec,
  isTransactional,
  lastOffsetDelta,
  maxTimestampMs,
  producerId,
  recordCount,
  stampLogAppendTime,
  writeHeader,
} from "../../../src/wire/record-batch.ts";
import { type DecodedRecord, records } from "../../../src/wire/records.ts";

const PRODUCER = { id: 42n, epoch: 1 };
const START_MS = 1_700_000_000_000;
const HEADERS = encodeHeaders([{ key: Buffer.from("h"), value: Buffer.from("1") }]);

/** One stored batch of `count` records from `offset` on, as the log answers it. */
function stored(
  offset: number,
  count: number,
  codec: CompressionCodec = "none",
  extra = 0,
): Buffer {
  const builder = new BatchBuilder();
  for (let index = 0; index < count; index++) {
    const number = offset + index;
    const key = number % 5 === 0 ? null : Buffer.from(`key-${number % 7}`);
    const value = number % 11 === 0 ? null : Buffer.from(`value ${number}`);
    builder.add(START_MS + ((number * 7_919) % 10_000), key, value, HEADERS);
  }
  const plain = builder.finish();
  const section = compress(codec, plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), section]);
  writeHeader(batch, {
    attributes: COMPRESSION_CODECS.indexOf(codec) | extra,
    lastOffsetDelta: count - 1,
    baseTimestampMs: baseTimestampMs(plain),
    maxTimestampMs: maxTimestampMs(plain),
    producerId: 5n,
    producerEpoch: 9,
    baseSequence: 77,
    recordCount: count,
  });
  assignOffset(batch, toOffset(offset), 3);
  return batch;
}

function row(counts: readonly number[], codec: CompressionCodec = "none"): Buffer[] {
  let offset = 0;
  return counts.map((count) => {
    const batch = stored(offset, count, codec);
    offset += count;
    return batch;
  });
}

function plan(
  batches: readonly Buffer[],
  changes: Partial<PlanInput> = {},
  aborted: readonly AbortedTransaction[] = [],
): Plan {
  return planWrites({
    position: new Position("direct", [0], toOffset(0), PRODUCER),
    stretches: stretchesOf({ batches, aborted, compacted: [] }),
    until: undefined,
    batchBytesMax: 1_000_000,
    split: false,
    keylessSlot: 0,
    ...changes,
  });
}

const content = ({ timestampMs, key, value, headers }: DecodedRecord) => ({
  timestampMs,
  key: key?.toString(),
  value: value?.toString(),
  headers: headers.map((header) => `${header.key}=${header.value}`),
});

const contentsOf = (batches: readonly Buffer[]) =>
  batches.flatMap((batch) => [...records(batch)].map(content));

const sent = ({ writes }: Plan) => writes.map(({ batch }) => batch);

describe("a plan for one partition", () => {
  it("merges small batches into one, with every record as it was", () => {
    const batches = row([1, 3, 1, 20]);
    const result = plan(batches);
    expect(result).toMatchObject({ nextOffset: 25, seen: [25] });
    const [batch] = sent(result) as [Buffer];
    expect(batchDamage(batch)).toBeUndefined();
    expect([recordCount(batch), lastOffsetDelta(batch)]).toEqual([25, 24]);
    expect([producerId(batch), baseSequence(batch)]).toEqual([42n, 0]);
    expect(contentsOf([batch])).toEqual(contentsOf(batches));
    const times = contentsOf(batches).map(({ timestampMs }) => timestampMs);
    expect(maxTimestampMs(batch)).toBe(Math.max(...times));
  });

  it("sends a compressed batch as it is, but for its producer and its transaction", () => {
    const batch = stored(0, 10, "zstd", 0x10);
    const [copy] = sent(plan([batch, stored(10, 5)])) as [Buffer];
    expect(batchDamage(copy)).toBeUndefined();
    expect(copy.subarray(BATCH_HEADER_BYTES)).toEqual(batch.subarray(BATCH_HEADER_BYTES));
    expect([producerId(copy), baseSequence(copy), isTransactional(copy)]).toEqual([42n, 0, false]);
    expect(producerId(batch)).toBe(5n);
  });

  it("ends a merged batch before one that is compressed", () => {
    const result = plan([...row([2, 2]), stored(4, 3, "gzip")]);
    expect(result).toMatchObject({ nextOffset: 4, seen: [4] });
  });

  it("ends a merged batch before it grows too large", () => {
    const batches = row([5, 5, 5, 5]);
    const batchBytesMax = (batches[0]?.length ?? 0) * 2 + 20;
    const result = plan(batches, { batchBytesMax });
    expect(result.nextOffset).toBe(10);
    expect(sent(result)[0]?.length).toBeLessThanOrEqual(batchBytesMax);
  });

  it("repeats exactly the attempt that ended at `until`", () => {
    const first = plan(row([2, 2]));
    const again = plan(row([2, 2, 2, 2]), { until: first.nextOffset });
    expect(again).toEqual(first);
  });

  it("gives LogAppendTime records their time themselves: upstream refuses it of a producer", () => {
    const batch = stored(0, 3);
    stampLogAppendTime(batch, START_MS + 99);
    const [copy] = sent(plan([batch])) as [Buffer];
    expect(attributes(copy)).toBe(0);
    expect(contentsOf([copy]).map(({ timestampMs }) => timestampMs)).toEqual([
      START_MS + 99,
      START_MS + 99,
      START_MS + 99,
    ]);
  });

  it("closes the holes that compaction left, in the same compression", () => {
    const batch = stored(0, 4, "zstd");
    writeHeader(batch, {
      attributes: attributes(batch),
      lastOffsetDelta: 9,
      baseTimestampMs: baseTimestampMs(batch),
      maxTimestampMs: maxTimestampMs(batch),
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: 4,
    });
    assignOffset(batch, toOffset(0), 0);
    const result = plan([batch]);
    const [copy] = sent(result) as [Buffer];
    expect([lastOffsetDelta(copy), compressionCodec(copy)]).toEqual([3, "zstd"]);
    expect(contentsOf([copy])).toEqual(contentsOf([batch]));
    expect(result).toMatchObject({ nextOffset: 10, seen: [4] });
  });

  it("passes over control batches", () => {
    const control = stored(4, 1, "none", 0x20);
    const result = plan([stored(0, 4), control, stored(5, 2)]);
    expect(result).toMatchObject({ nextOffset: 7, seen: [6] });
    expect(result.leftOut).toEqual({ control: 1, aborted: 0, compacted: 0 });
    const only = plan([control], {
      position: new Position("direct", [0], toOffset(4), PRODUCER),
    });
    const leftOut = { control: 1, aborted: 0, compacted: 0 };
    expect(only).toEqual({ writes: [], nextOffset: 5, seen: [0], leftOut });
  });

  it("never holds records of an aborted transaction, and counts what it passed of them", () => {
    // Producer 5's transaction from 2 to its marker at 9; between them stands what is no part of it.
    const [first, second] = [stored(2, 3, "none", 0x10), stored(7, 2, "gzip", 0x10)];
    const marker = stored(9, 1, "none", 0x30);
    const batches = [
      stored(0, 2),
      first,
      stored(5, 2),
      second,
      marker,
      stored(10, 1, "none", 0x10),
    ];
    const aborted = [{ producerId: 5n, firstOffset: toOffset(2), lastOffset: toOffset(9) }];
    const all = plan(batches, {}, aborted);
    const kept = [batches[0], batches[2], batches[5]] as Buffer[];
    expect(contentsOf(sent(all))).toEqual(contentsOf(kept));
    expect(all).toMatchObject({ nextOffset: 11, seen: [5], leftOut: { control: 1, aborted: 5 } });
    // The same from inside of what is left out.
    const position = new Position("direct", [0], toOffset(4), PRODUCER);
    const rest = plan(batches, { position }, aborted);
    expect(contentsOf(sent(rest))).toEqual(contentsOf(kept.slice(1)));
    expect(rest).toMatchObject({ nextOffset: 11, seen: [3], leftOut: { control: 1, aborted: 3 } });
    // By key, too.
    const byKey = new Position("by-key", [0, 1], toOffset(0), PRODUCER);
    const spread = plan(batches, { position: byKey }, aborted);
    expect(spread.seen.reduce((sum, count) => sum + count)).toBe(5);
    expect(spread.leftOut).toEqual({ control: 1, aborted: 5, compacted: 0 });
  });

  it("takes batches apart once upstream has refused one for its size", () => {
    const batches = row([100], "gzip");
    const whole = plan(batches, { batchBytesMax: 300 });
    expect(whole.nextOffset).toBe(100);
    const part = plan(batches, { batchBytesMax: 300, split: true });
    expect(part.nextOffset).toBeLessThan(100);
    const [batch] = sent(part) as [Buffer];
    expect(contentsOf([batch])).toEqual(contentsOf(batches).slice(0, part.nextOffset));
  });

  it("delivers all records once, in order, from any point, for any batches and limits", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            count: fc.integer({ min: 1, max: 30 }),
            codec: fc.constantFrom(...COMPRESSION_CODECS),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        fc.integer({ min: 100, max: 3_000 }),
        fc.boolean(),
        fc.nat(40),
        (shapes, batchBytesMax, split, ahead) => {
          let offset = 0;
          const batches = shapes.map(({ count, codec }) => {
            const batch = stored(offset, count, codec);
            offset += count;
            return batch;
          });
          const position = new Position("direct", [0], toOffset(0), PRODUCER);
          position.reconcile(
            new Map([[0, ahead - 1]].filter(([, last]) => last !== -1) as []),
            1e6,
          );
          const found: Buffer[] = [];
          while (position.nextOffset < offset) {
            const next = plan(batches, { position, batchBytesMax, split });
            for (const { batch, recordCount: count } of next.writes) {
              expect(baseSequence(batch)).toBe(position.sequence(0));
              found.push(batch);
              position.acknowledge(0, count, 0);
            }
            expect(next.nextOffset).toBeGreaterThan(position.nextOffset);
            // What upstream had from the start may reach beyond these batches.
            position.advance(next.nextOffset, next.seen, next.leftOut);
          }
          expect(contentsOf(found)).toEqual(contentsOf(batches).slice(ahead));
        },
      ),
    );
  });
});

describe("a plan by key", () => {
  const targets = [0, 1, 2];

  it("gives each upstream partition the records of its keys, in order", () => {
    const batches = [...row([10, 10]), stored(20, 10, "lz4")];
    const position = new Position("by-key", targets, toOffset(0), PRODUCER);
    const result = plan(batches, { position, keylessSlot: 2 });
    expect(result.nextOffset).toBe(30);
    const all = contentsOf(batches);
    for (const { slot, batch, recordCount: count } of result.writes) {
      const expected = all.filter(({ key }) =>
        key === undefined ? slot === 2 : partitionForKey(Buffer.from(key), 3) === slot,
      );
      expect(contentsOf([batch])).toEqual(expected);
      expect([count, result.seen[slot]]).toEqual([expected.length, expected.length]);
      expect(compressionCodec(batch)).toBe("lz4");
    }
  });

  it("leaves out what a partition has already", () => {
    const batches = row([30]);
    const whole = plan(batches, {
      position: new Position("by-key", targets, toOffset(0), PRODUCER),
    });
    const position = new Position("by-key", targets, toOffset(0), PRODUCER);
    const first = whole.writes[0];
    position.acknowledge(first?.slot ?? 0, first?.recordCount ?? 0, 0);
    const rest = plan(batches, { position });
    expect(rest.writes.map(({ slot }) => slot)).toEqual(whole.writes.slice(1).map((w) => w.slot));
    expect(rest.seen).toEqual(whole.seen);
  });
});
