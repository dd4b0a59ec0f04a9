import { createRequire } from "node:module";
import { createRecordsBatch } from "@platformatic/kafka";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import { BatchBuilder, encodeHeaders } from "../../../src/wire/batch-builder.ts";
import { compress } from "../../../src/wire/compression.ts";
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseSequence,
  baseTimestampMs,
  batchDamage,
  COMPRESSION_CODECS,
  type CompressionCodec,
  compressionCodec,
  correctMaxTimestamp,
  isControl,
  isTransactional,
  lastOffsetDelta,
  leaderEpoch,
  maxTimestampMs,
  nextOffset,
  producerEpoch,
  producerId,
  recordCount,
  writeHeader,
} from "../../../src/wire/record-batch.ts";
import { checkRecords, type DecodedRecord, records } from "../../../src/wire/records.ts";
import { KAFKA_BATCHES } from "./vectors/kafka-batches.ts";

interface PlainRecord {
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

const BASE_MS = 1_767_225_600_000;

function vector(name: keyof typeof KAFKA_BATCHES): Buffer {
  return Buffer.from(KAFKA_BATCHES[name], "hex");
}

function plain({ timestampMs, key, value, headers }: DecodedRecord): PlainRecord {
  return {
    timestampMs,
    key: key === null ? null : key.toString("latin1"),
    value: value === null ? null : value.toString("latin1"),
    headers: headers.map(({ key, value }) => [key, value === null ? null : value.toString("utf8")]),
  };
}

function plainRecords(batch: Buffer): PlainRecord[] {
  return Array.from(records(batch), plain);
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, "latin1");
}

function built(all: readonly PlainRecord[]): Buffer {
  const builder = new BatchBuilder();
  for (const { timestampMs, key, value, headers } of all) {
    const encoded = encodeHeaders(
      headers.map(([name, text]) => ({
        key: Buffer.from(name, "utf8"),
        value: text === null ? null : Buffer.from(text, "utf8"),
      })),
    );
    builder.add(timestampMs, bytesOf(key), bytesOf(value), encoded);
  }
  return builder.finish();
}

/** The same batch with its records section replaced (and, if asked, compressed). */
function withSection(batch: Buffer, section: Buffer, codec: CompressionCodec = "none"): Buffer {
  const compressed = compress(codec, section);
  const target = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), compressed]);
  writeHeader(target, {
    attributes: (attributes(batch) & ~7) | COMPRESSION_CODECS.indexOf(codec),
    lastOffsetDelta: lastOffsetDelta(batch),
    baseTimestampMs: baseTimestampMs(batch),
    maxTimestampMs: maxTimestampMs(batch),
    producerId: producerId(batch),
    producerEpoch: producerEpoch(batch),
    baseSequence: baseSequence(batch),
    recordCount: recordCount(batch),
  });
  return target;
}

function compressed(batch: Buffer, codec: CompressionCodec): Buffer {
  return withSection(batch, batch.subarray(BATCH_HEADER_BYTES), codec);
}

const text = fc.string({ unit: "binary-ascii", maxLength: 40 });
const headerText: fc.Arbitrary<string | null> = fc.option(text);
const plainRecord: fc.Arbitrary<PlainRecord> = fc.record({
  timestampMs: fc.integer({ min: BASE_MS - 10 ** 10, max: BASE_MS + 10 ** 10 }),
  key: fc.option(text),
  value: fc.option(text),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), headerText), { maxLength: 3 }),
});
const batchOfRecords = fc.array(plainRecord, { minLength: 1, maxLength: 30 });

/** What the captured batches hold, as their Java source says. */
const KAFKA_RECORDS: readonly PlainRecord[] = [
  {
    timestampMs: BASE_MS,
    key: "plant/1",
    value: '{"temp":21.5}',
    headers: [
      ["qos", "1"],
      ["empty", null],
      ["größe", "ß"],
    ],
  },
  { timestampMs: BASE_MS - 1000, key: null, value: "x".repeat(300), headers: [] },
  { timestampMs: BASE_MS + 60_123, key: "", value: null, headers: [] },
  {
    timestampMs: BASE_MS + 60_123,
    key: "\xff\x00\x01",
    value: "",
    headers: [
      ["qos", "2"],
      ["qos", "3"],
    ],
  },
];

describe("records of batches that Apache Kafka wrote", () => {
  it.each(COMPRESSION_CODECS)("reads them, compression %s", (codec) => {
    const batch = vector(codec);
    expect(batchDamage(batch)).toBeUndefined();
    expect(compressionCodec(batch)).toBe(codec);
    expect(leaderEpoch(batch)).toBe(5);
    expect(plainRecords(batch)).toEqual(KAFKA_RECORDS);
    expect(Array.from(records(batch), ({ offset }) => offset)).toEqual([1234, 1235, 1236, 1237]);
    expect(nextOffset(batch)).toBe(1238);
    expect(checkRecords(batch)).toBe(maxTimestampMs(batch));
  });

  it("gives every record the append time where that is the batch's timestamp type", () => {
    const batch = vector("logAppendTime");
    const times = Array.from(records(batch), ({ timestampMs }) => timestampMs);
    expect(times).toEqual(Array(4).fill(1_767_225_700_000));
    expect(checkRecords(batch)).toBe(1_767_225_700_000);
  });

  it("reads a transactional batch and its producer", () => {
    const batch = vector("transactional");
    expect(isTransactional(batch)).toBe(true);
    expect([producerId(batch), producerEpoch(batch), baseSequence(batch)]).toEqual([777n, 3, 42]);
    expect(plainRecords(batch)).toEqual(KAFKA_RECORDS);
  });

  it("reads a transaction marker", () => {
    const batch = vector("control");
    expect(isControl(batch)).toBe(true);
    const [marker] = records(batch);
    expect(marker?.key?.toString("hex")).toBe("00000001");
    expect(marker?.value?.toString("hex")).toBe("000000000008");
  });
});

describe("records of batches that other clients write", () => {
  it.each(COMPRESSION_CODECS)("reads @platformatic/kafka's, compression %s", (codec) => {
    const messages = Array.from({ length: 50 }, (_, index) => ({
      topic: "t",
      partition: 0,
      key: Buffer.from(`plant/${index}`),
      value: Buffer.from("v".repeat(index)),
      headers: new Map([[Buffer.from("qos"), Buffer.from("1")]]),
      timestamp: BigInt(BASE_MS + index * 1000),
    }));
    const batch = Buffer.from(createRecordsBatch(messages, { compression: codec }).buffer);
    expect(batchDamage(batch)).toBeUndefined();
    expect(checkRecords(batch)).toBe(BASE_MS + 49_000);
    expect(plainRecords(batch)).toEqual(
      messages.map((message, index) => ({
        timestampMs: BASE_MS + index * 1000,
        key: message.key.toString(),
        value: message.value.toString(),
        headers: [["qos", "1"]],
      })),
    );
  });

  it.each([0, 1])("reads kafkajs's, compression type %i", async (compression) => {
    const require = createRequire(import.meta.url);
    const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0/index.js");
    const KafkajsRecord = require("kafkajs/src/protocol/recordBatch/record/v0/index.js");
    const encoded = await RecordBatch({
      compression,
      firstTimestamp: BASE_MS,
      maxTimestamp: BASE_MS + 10,
      lastOffsetDelta: 1,
      records: [
        KafkajsRecord({ offsetDelta: 0, timestampDelta: 0, key: null, value: "one" }),
        KafkajsRecord({
          offsetDelta: 1,
          timestampDelta: 10,
          key: "k",
          value: "two",
          headers: { a: "b" },
        }),
      ],
    });
    const batch: Buffer = encoded.buffer;
    expect(batchDamage(batch)).toBeUndefined();
    expect(checkRecords(batch)).toBe(BASE_MS + 10);
    expect(plainRecords(batch)).toEqual([
      { timestampMs: BASE_MS, key: null, value: "one", headers: [] },
      { timestampMs: BASE_MS + 10, key: "k", value: "two", headers: [["a", "b"]] },
    ]);
  });
});

describe("records", () => {
  it("gives back what a builder was given, in every compression", () => {
    fc.assert(
      fc.property(batchOfRecords, fc.constantFrom(...COMPRESSION_CODECS), (all, codec) => {
        const batch = compressed(built(all), codec);
        expect(plainRecords(batch)).toEqual(all);
        expect(checkRecords(batch)).toBe(Math.max(...all.map(({ timestampMs }) => timestampMs)));
      }),
    );
  });

  it("gives views into an uncompressed batch, and copies nothing", () => {
    const batch = built([{ timestampMs: BASE_MS, key: "k", value: "v", headers: [] }]);
    const [record] = records(batch);
    expect(record?.value?.buffer).toBe(batch.buffer);
  });

  it("accepts the holes that compaction leaves, which a producer must not send", () => {
    const whole = vector("none");
    const first = whole.readInt8(BATCH_HEADER_BYTES) >> 1;
    const section = whole.subarray(BATCH_HEADER_BYTES + 1 + first);
    const batch = withSection(whole, section);
    batch.writeInt32BE(3, 57);
    expect(plainRecords(batch)).toEqual(KAFKA_RECORDS.slice(1));
    expect(() => checkRecords(batch)).toThrow(/last offset delta/);
  });

  it("decodes no more than is asked for", () => {
    const batch = withSection(
      vector("none"),
      Buffer.concat([vector("none").subarray(61), Buffer.from([1])]),
    );
    const iterator = records(batch);
    expect(iterator.next().value?.key?.toString()).toBe("plant/1");
    expect(() => [...iterator]).toThrow(/1 bytes follow its last record/);
  });

  it("refuses a batch that decompresses beyond the limit", () => {
    const batch = compressed(
      built([{ ...KAFKA_RECORDS[1], value: "x".repeat(5000) } as PlainRecord]),
      "zstd",
    );
    expect(() => [...records(batch, { decompressedBytesMax: 5000 })]).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
    expect(() => checkRecords(batch, { bytesLeft: 5000 })).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
  });

  it("refuses a compression that does not exist", () => {
    const batch = vector("none");
    batch.writeInt16BE(5, 21);
    expect(() => checkRecords(batch)).toThrow(
      expect.objectContaining({ code: "COMPRESSION_UNSUPPORTED" }),
    );
  });
});

/** One record after `length`: attributes, timestamp delta, offset delta, key, value, headers. */
function oneRecord(hex: string, count = 1): Buffer {
  const batch = built([{ timestampMs: BASE_MS, key: null, value: null, headers: [] }]);
  const changed = withSection(batch, Buffer.from(hex.replaceAll(" ", ""), "hex"));
  changed.writeInt32BE(count, 57);
  changed.writeInt32BE(count - 1, 23);
  return changed;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each([
  ["records", (batch: Buffer) => [...records(batch)]],
  ["checkRecords", (batch: Buffer) => [checkRecords(batch)]],
])("%s refuses a batch that contradicts itself", (_name, read) => {
  it("and accepts the smallest one that does not", () => {
    expect(read(oneRecord("0c 00 00 00 01 01 00"))).toHaveLength(1);
  });

  it.each([
    ["a record that is longer than the batch", "0e 00 00 00 01 01 00", 1],
    ["a record that is shorter than what is in it", "0c 00 00 00 02 61 01 00", 1],
    ["a record that is longer than what is in it", "0e 00 00 00 01 01 00 00", 1],
    [
      "a record that claims the next one's first byte",
      "0e 00 00 00 01 01 00 0c 00 00 02 01 01 00",
      2,
    ],
    ["a negative record length", "01 00 00 00 01 01 00", 1],
    ["a key beyond its record", "0c 00 00 00 20 01 00", 1],
    ["a value beyond its record", "0c 00 00 00 01 20 00", 1],
    ["a key length below -1", "0c 00 00 00 03 01 00", 1],
    ["a negative header count", "0c 00 00 00 01 01 01", 1],
    ["more headers than there is room for", "0c 00 00 00 01 01 7e", 1],
    ["a header without a key", "10 00 00 00 01 01 02 01 01", 1],
    ["an offset delta beyond the last", "0c 00 00 02 01 01 00", 1],
    ["a negative offset delta", "0c 00 00 01 01 01 00", 1],
    ["the same offset delta twice", "0c 00 00 00 01 01 00 0c 00 00 00 01 01 00", 2],
    ["fewer records than it counts", "0c 00 00 00 01 01 00", 2],
    ["more records than it counts", "0c 00 00 00 01 01 00 0c 00 00 02 01 01 00", 1],
    ["a record count of 0", "0c 00 00 00 01 01 00", 0],
    ["a negative record count", "0c 00 00 00 01 01 00", -1],
    ["a record count that memory could not hold", "0c 00 00 00 01 01 00", 2_147_483_647],
  ])("%s", (_what, hex, count) => {
    expect(() => read(oneRecord(hex, count))).toThrow(
      expect.objectContaining({ code: "BATCH_INVALID" }),
    );
  });

  it("a timestamp that no number holds exactly", () => {
    const batch = oneRecord("0c 00 00 00 01 01 00");
    batch.writeBigInt64BE(2n ** 62n, 27);
    expect(() => read(batch)).toThrow(expect.objectContaining({ code: "BATCH_INVALID" }));
  });

  it("whichever byte of it is damaged: bytes, or an error of the catalogue, and no more", () => {
    const whole = vector("none");
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const damaged = Buffer.from(whole);
          damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
          expect(thrownBy(() => read(damaged))).toSatisfy(
            (error) => error === undefined || isTributaryError(error),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("correctMaxTimestamp", () => {
  it("puts the header right, and leaves a batch that is whole", () => {
    const batch = vector("none");
    batch.writeBigInt64BE(0n, 35);
    correctMaxTimestamp(batch, checkRecords(batch));
    expect(batch.equals(vector("none"))).toBe(true);
  });
});
