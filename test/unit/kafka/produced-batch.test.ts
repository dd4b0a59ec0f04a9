import { describe, expect, it } from "vitest";
import { checkProducedBatch } from "../../../src/kafka/produced-batch.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../../src/log/options.ts";
import { compress } from "../../../src/wire/compression.ts";
import {
  BATCH_HEADER_BYTES,
  batchDamage,
  COMPRESSION_CODECS,
  computeCrc,
  maxTimestampMs,
} from "../../../src/wire/record-batch.ts";
import { batchOf } from "../../support/batches.ts";

const TIME_MS = 1_700_000_000_000;
const AT = { length: 8, magic: 16, crc: 17, attributes: 21, lastDelta: 23, maxTimestamp: 35 };
const AT_PRODUCER_ID = 43;
const AT_COUNT = 57;

/** A sound batch with one thing changed, and its CRC made to match again. */
function changed(change: (batch: Buffer) => void): Buffer {
  const batch = batchOf(["a", "b", "c"], TIME_MS);
  change(batch);
  batch.writeUInt32BE(computeCrc(batch), AT.crc);
  return batch;
}

function compressed(
  codec: (typeof COMPRESSION_CODECS)[number],
  change = (_: Buffer) => {},
): Buffer {
  const plain = batchOf(["a", "b", "c"], TIME_MS);
  const records = Buffer.from(plain.subarray(BATCH_HEADER_BYTES));
  change(records);
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), compress(codec, records)]);
  batch.writeInt32BE(batch.length - 12, AT.length);
  batch.writeInt16BE(COMPRESSION_CODECS.indexOf(codec), AT.attributes);
  batch.writeUInt32BE(computeCrc(batch), AT.crc);
  return batch;
}

function check(batch: Buffer | null, produceVersion = 9, messageBytesMax = 1_048_588): Buffer {
  const topic = { ...DEFAULT_TOPIC_CONFIG, messageBytesMax };
  const inflating = { bytesLeft: 1_000_000 };
  const checked = checkProducedBatch(batch, { produceVersion, topic, inflating });
  if (checked === undefined) throw new Error("no batch of these tests is large");
  return checked;
}

describe("a produced batch", () => {
  it("is taken as it is, where it is sound, in every compression", () => {
    expect(check(batchOf(["a"]))).toEqual(batchOf(["a"]));
    for (const codec of COMPRESSION_CODECS) expect(check(compressed(codec))).toBeDefined();
  });

  it("shares with the others of its request what they may all come to", () => {
    const plainBytes = batchOf(["a", "b", "c"], TIME_MS).length - BATCH_HEADER_BYTES;
    const inflating = { bytesLeft: 2 * plainBytes };
    const rules = { produceVersion: 9, topic: DEFAULT_TOPIC_CONFIG, inflating };
    checkProducedBatch(compressed("gzip"), rules);
    checkProducedBatch(compressed("zstd"), rules);
    expect(inflating.bytesLeft).toBe(0);
    expect(() => checkProducedBatch(compressed("lz4"), rules)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
    expect(checkProducedBatch(batchOf(["a"]), rules)).toBeDefined();
  });

  const refused: [string, () => Buffer | null, object][] = [
    ["null", () => null, { code: "BATCH_INVALID" }],
    ["empty", () => Buffer.alloc(0), { code: "BATCH_INVALID" }],
    ["shorter than a header", () => Buffer.alloc(60), { code: "BATCH_CORRUPT" }],
    ["cut short", () => batchOf(["abc"]).subarray(0, -1), { code: "BATCH_CORRUPT" }],
    [
      "of a negative length",
      () => changed((batch) => batch.writeInt32BE(-5, AT.length)),
      { code: "BATCH_CORRUPT" },
    ],
    [
      "two batches",
      () => Buffer.concat([batchOf(["a"]), batchOf(["b"])]),
      { code: "BATCH_INVALID" },
    ],
    [
      "of magic 1",
      () => changed((batch) => batch.writeInt8(1, AT.magic)),
      { code: "BATCH_INVALID" },
    ],
    [
      "not what its CRC says",
      () => {
        const batch = batchOf(["abc"]);
        batch.writeInt8(7, batch.length - 2);
        return batch;
      },
      { code: "BATCH_CORRUPT" },
    ],
    [
      "not at base offset 0",
      () => changed((batch) => batch.writeBigInt64BE(-3n, 0)),
      { code: "BATCH_INVALID" },
    ],
    [
      "a control batch",
      () => changed((batch) => batch.writeInt16BE(0x20, AT.attributes)),
      { code: "BATCH_INVALID" },
    ],
    [
      "of a transaction without a producer",
      () => changed((batch) => batch.writeInt16BE(0x10, AT.attributes)),
      { code: "BATCH_INVALID" },
    ],
    [
      "stamped LogAppendTime",
      () => changed((batch) => batch.writeInt16BE(0x08, AT.attributes)),
      { kafkaError: "INVALID_TIMESTAMP" },
    ],
    [
      "of an unknown compression",
      () => changed((batch) => batch.writeInt16BE(6, AT.attributes)),
      { code: "COMPRESSION_UNSUPPORTED" },
    ],
    [
      "of no records",
      () =>
        changed((batch) => {
          batch.writeInt32BE(0, AT_COUNT);
          batch.writeInt32BE(-1, AT.lastDelta);
        }),
      { code: "BATCH_INVALID" },
    ],
    [
      "of another count than its last delta",
      () => changed((batch) => batch.writeInt32BE(7, AT.lastDelta)),
      { code: "BATCH_INVALID" },
    ],
    [
      "of fewer records than it says",
      () =>
        changed((batch) => {
          batch.writeInt32BE(4, AT_COUNT);
          batch.writeInt32BE(3, AT.lastDelta);
        }),
      { code: "BATCH_INVALID" },
    ],
    [
      "of a producer without a sequence",
      () => changed((batch) => batch.writeBigInt64BE(5n, AT_PRODUCER_ID)),
      { code: "BATCH_INVALID" },
    ],
    [
      "wrong inside its compression",
      () => compressed("gzip", (records) => records.writeInt8(4, 3)),
      { code: "BATCH_INVALID" },
    ],
  ];

  for (const [what, make, error] of refused) {
    it(`is refused where it is ${what}`, () => {
      expect(() => check(make())).toThrow(expect.objectContaining(error));
    });
  }

  it("is refused where it is larger than its topic takes", () => {
    expect(() => check(batchOf(["abc"]), 9, 64)).toThrow(
      expect.objectContaining({ code: "RECORD_TOO_LARGE" }),
    );
  });

  it("is refused in zstd before the version that knows it", () => {
    expect(() => check(compressed("zstd"), 6)).toThrow(
      expect.objectContaining({ code: "COMPRESSION_UNSUPPORTED" }),
    );
  });

  it("gets the max timestamp that its records have, and a CRC that fits", () => {
    const batch = check(
      changed((sound) => sound.writeBigInt64BE(BigInt(TIME_MS + 99_999), AT.maxTimestamp)),
    );
    expect(maxTimestampMs(batch)).toBe(TIME_MS + 2);
    expect(batchDamage(batch)).toBeUndefined();
  });
});
