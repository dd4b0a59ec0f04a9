import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import { BatchBuilder } from "../../../src/wire/batch-builder.ts";
import { compress, decompress } from "../../../src/wire/compression.ts";
import { checkRecordsAtOnce, checkRecordsInTurns } from "../../../src/wire/gentle-check.ts";
import { AT_ONCE_BYTES_MAX, inflatePieces } from "../../../src/wire/inflate-pieces.ts";
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_CODECS,
  type CompressionCodec,
  maxTimestampMs,
} from "../../../src/wire/record-batch.ts";
import { checkRecords } from "../../../src/wire/records.ts";

const MIB = 1024 * 1024;
const COMPRESSED = COMPRESSION_CODECS.filter((codec) => codec !== "none");
const XERIAL_HEADER = Buffer.from("82534e41505059000000000100000001", "hex");

/** snappy-java's framing around raw blocks of so many bytes. */
function xerial(bytes: Buffer, blockBytes: number): Buffer {
  const framed: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = compress("snappy", bytes.subarray(at, at + blockBytes));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    framed.push(length, block);
  }
  return Buffer.concat(framed);
}

const FORMS: readonly (readonly [string, CompressionCodec, (bytes: Buffer) => Buffer])[] = [
  ...COMPRESSED.map(
    (codec) => [codec as string, codec, (bytes: Buffer) => compress(codec, bytes)] as const,
  ),
  ["snappy of blocks of 32 KiB", "snappy", (bytes) => xerial(bytes, 32 * 1024)],
  ["snappy of small blocks", "snappy", (bytes) => xerial(bytes, 100)],
];

/** A batch of so many records of 100 bytes, compressed. */
function batchOf(records: number, codec: CompressionCodec, pack: (bytes: Buffer) => Buffer) {
  const builder = new BatchBuilder();
  for (let nth = 0; nth < records; nth += 1) {
    builder.add(1_700_000_000_000 + (nth % 977), null, Buffer.alloc(100, `${nth} `));
  }
  const plain = builder.finish();
  const packed = pack(plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), packed]);
  batch.writeInt16BE(COMPRESSION_CODECS.indexOf(codec), 21);
  return batch;
}

/** Counts how often it gives others their turn. */
function turns() {
  const counted = { steps: 0 };
  const inTurns = (step: () => boolean) => {
    do counted.steps += 1;
    while (step());
    return undefined;
  };
  return { counted, inTurns };
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "taken";
  } catch (error) {
    return isTributaryError(error) ? error.code : String(error);
  }
}

async function whole(codec: Exclude<CompressionCodec, "none">, bytes: Buffer, bytesMax: number) {
  return Buffer.concat(await Array.fromAsync(inflatePieces(codec, bytes, bytesMax)));
}

describe.each(FORMS)("%s", (_name, codec, pack) => {
  if (codec === "none") throw new Error("records in the clear are not inflated");
  const large = batchOf(20_000, codec, pack);
  const small = batchOf(100, codec, pack);

  it("is checked at once where it comes to little", () => {
    const [once, same] = [{ bytesLeft: MIB }, { bytesLeft: MIB }];
    expect(checkRecordsAtOnce(small, once)).toBe(checkRecords(small, same));
    expect(once).toEqual(same);
  });

  it("is checked in turns where it comes to much, with the same outcome", async () => {
    const [once, gently, same] = [1, 2, 3].map(() => ({ bytesLeft: 3 * MIB })) as [
      { bytesLeft: number },
      { bytesLeft: number },
      { bytesLeft: number },
    ];
    expect(checkRecordsAtOnce(large, once)).toBeUndefined();
    expect(once.bytesLeft).toBe(3 * MIB);
    const { counted, inTurns } = turns();
    expect(await checkRecordsInTurns(large, gently, inTurns)).toBe(checkRecords(large, same));
    expect(gently).toEqual(same);
    expect(counted.steps).toBeGreaterThan(10);
  });

  it("is refused where it comes to too much, and has cost all that was left", async () => {
    const inflating = { bytesLeft: 2 * MIB };
    const { inTurns } = turns();
    const check = () => checkRecordsInTurns(large, inflating, inTurns);
    expect(await codeOf(check)).toBe("DECOMPRESSED_TOO_LARGE");
    expect(inflating.bytesLeft).toBe(0);
    const little = { bytesLeft: 5000 };
    expect(() => checkRecordsAtOnce(small, little)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
    expect(little.bytesLeft).toBe(0);
  });

  it("is refused where its records do not fit its header", async () => {
    const wrong = Buffer.from(large);
    wrong.writeInt32BE(19_999, 57);
    wrong.writeInt32BE(19_998, 23);
    const check = () => checkRecordsInTurns(wrong, { bytesLeft: 4 * MIB }, turns().inTurns);
    expect(await codeOf(check)).toBe("BATCH_INVALID");
  });

  it("comes in pieces to what it comes to at once, whatever is wrong with it", async () => {
    const packed = pack(Buffer.from("telemetry ".repeat(500)));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("changed", "cut", "longer", "none"),
        fc.nat(packed.length - 1),
        fc.nat(255),
        async (kind, at, value) => {
          let bytes = Buffer.from(packed);
          if (kind === "changed") bytes[at] = value;
          if (kind === "cut") bytes = bytes.subarray(0, at);
          if (kind === "longer") bytes = Buffer.concat([bytes, Buffer.alloc(at % 9, value)]);
          const atOnce = await codeOf(async () => decompress(codec, bytes, 6000));
          expect(await codeOf(() => whole(codec, bytes, 6000))).toBe(atOnce);
          if (atOnce !== "taken") return;
          const pieces = await whole(codec, bytes, 6000);
          expect(pieces.equals(decompress(codec, bytes, 6000))).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});

it("walks at once through what is not compressed, unless it is very much", async () => {
  const pack = (bytes: Buffer) => bytes;
  const usual = batchOf(8_000, "none", pack);
  expect(usual.length).toBeGreaterThan(AT_ONCE_BYTES_MAX);
  expect(checkRecordsAtOnce(usual, { bytesLeft: 0 })).toBe(maxTimestampMs(usual));
  const huge = batchOf(12_000, "none", pack);
  expect(checkRecordsAtOnce(huge, { bytesLeft: 0 })).toBeUndefined();
  const { counted, inTurns } = turns();
  const inflating = { bytesLeft: 7 };
  expect(await checkRecordsInTurns(huge, inflating, inTurns)).toBe(maxTimestampMs(huge));
  expect([counted.steps > 5, inflating.bytesLeft]).toEqual([true, 7]);
});

it("does not inflate at once what has a block of its own for every few bytes", () => {
  const batch = batchOf(500, "snappy", (bytes) => xerial(bytes, 8));
  expect(checkRecordsAtOnce(batch, { bytesLeft: MIB })).toBeUndefined();
});
