import { execFileSync } from "node:child_process";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { compressFrameSync } from "lz4-napi";
import { compressSync as snappyCompress } from "snappy";
import { describe, expect, it } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import { compress, decompress } from "../../../src/wire/compression.ts";
import { COMPRESSION_CODECS, type CompressionCodec } from "../../../src/wire/record-batch.ts";

const MIB = 1024 * 1024;
const COMPRESSED = COMPRESSION_CODECS.filter((codec) => codec !== "none");
const XERIAL_HEADER = Buffer.from("82534e41505059000000000100000001", "hex");

/** snappy-java's framing around raw blocks. */
function xerial(...blocks: readonly Buffer[]): Buffer {
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([XERIAL_HEADER, ...framed]);
}

/** An LZ4 frame of one compressed block, without checks. */
function lz4Frame(block: Buffer, flags = 0x60): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(block.length);
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x70, 0]);
  return Buffer.concat([head, length, block, Buffer.alloc(4)]);
}

const OUTCOMES = ["within the limit", "BATCH_CORRUPT", "DECOMPRESSED_TOO_LARGE"];

/** How an attempt to decompress ends: well, or with an error of the catalogue, or as it must not. */
function outcome(codec: CompressionCodec, bytes: Uint8Array): string {
  try {
    return decompress(codec, bytes, MIB).length <= MIB ? "within the limit" : "beyond the limit";
  } catch (error) {
    return isTributaryError(error) ? error.code : String(error);
  }
}

describe.each(COMPRESSION_CODECS)("compression %s", (codec) => {
  it("gives back what was compressed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (bytes) => {
        const twice = Buffer.concat([bytes, bytes]);
        expect(decompress(codec, compress(codec, twice), twice.length).equals(twice)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("gives back several megabytes, up to exactly the limit", () => {
    const bytes = Buffer.alloc(9 * MIB, "0123456789abcdef!");
    const compressed = compress(codec, bytes);
    expect(decompress(codec, compressed, bytes.length).equals(bytes)).toBe(true);
    expect(() => decompress(codec, compressed, bytes.length - 1)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
  });
});

describe.each(COMPRESSED)("corrupt %s", (codec) => {
  const whole = compress(codec, Buffer.from("telemetry ".repeat(500)));

  it("is refused at whichever byte it is cut short", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decompress(codec, whole.subarray(0, length), MIB), `${length}`).toThrow(
        expect.objectContaining({ code: "BATCH_CORRUPT" }),
      );
    }
  });

  it("never ends in anything but bytes within the limit or an error of the catalogue", () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        expect(OUTCOMES).toContain(outcome(codec, damaged));
      }),
      { numRuns: 300 },
    );
  });

  it("is refused where it is anything at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(OUTCOMES).toContain(outcome(codec, bytes));
      }),
    );
  });

  it("does not inflate a bomb", () => {
    const bomb = compress(codec, Buffer.alloc(64 * MIB));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decompress(codec, bomb, MIB)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
  });
});

describe("snappy", () => {
  it("is read in snappy-java's framing, of one block or of several", () => {
    const one = snappyCompress(Buffer.from("one "));
    const two = snappyCompress(Buffer.from("two"));
    expect(decompress("snappy", xerial(one), 100).toString()).toBe("one ");
    expect(decompress("snappy", xerial(one, two), 7).toString()).toBe("one two");
  });

  it("counts the blocks of a frame together against the limit", () => {
    const block = snappyCompress(Buffer.alloc(1000));
    expect(() => decompress("snappy", xerial(block, block, block), 2999)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
  });

  it("believes no length that its bytes cannot hold", () => {
    const liar = Buffer.concat([Buffer.from("80808010", "hex"), Buffer.from("x")]);
    expect(() => decompress("snappy", liar, 64 * MIB)).toThrow(/cannot hold/);
  });

  it("refuses a frame whose block is cut short", () => {
    const framed = xerial(snappyCompress(Buffer.from("telemetry")));
    expect(() => decompress("snappy", framed.subarray(0, -1), MIB)).toThrow(/cut short/);
    expect(() => decompress("snappy", framed.subarray(0, 18), MIB)).toThrow(/cut short/);
  });
});

describe("lz4", () => {
  const bytes = Buffer.from("telemetry ".repeat(100));

  it("is read with checksums of blocks and content", () => {
    const frame = compressFrameSync(bytes, { contentChecksum: true, blockChecksums: true });
    expect(decompress("lz4", frame, MIB).equals(bytes)).toBe(true);
    const damaged = Buffer.from(frame);
    damaged.writeUInt8(damaged.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
    expect(() => decompress("lz4", damaged, MIB)).toThrow(/not valid lz4 data/);
  });

  it("is refused with linked blocks, which no Java consumer reads", () => {
    const frame = compressFrameSync(bytes);
    frame.writeUInt8(frame.readUInt8(4) & ~0x20, 4);
    expect(() => decompress("lz4", frame, MIB)).toThrow(/linked blocks/);
  });

  it("is refused with bytes after its end", () => {
    const frame = compressFrameSync(bytes);
    expect(() => decompress("lz4", Buffer.concat([frame, frame]), MIB)).toThrow(/follow its end/);
  });

  it("is measured by its blocks, not by the content size that its header claims", () => {
    // A match of 4 + 15 + 255 * 4000 bytes, which the few bytes before it would inflate to.
    const block = Buffer.concat([
      Buffer.from([0x1f, 0x61, 1, 0]),
      Buffer.alloc(4000, 255),
      Buffer.from([0]),
    ]);
    expect(() => decompress("lz4", lz4Frame(block), MIB / 2)).toThrow(
      expect.objectContaining({ code: "DECOMPRESSED_TOO_LARGE" }),
    );
  });
});

describe("gzip", () => {
  it("is refused as bare deflate", () => {
    expect(() => decompress("gzip", deflateRawSync(Buffer.from("telemetry")), MIB)).toThrow(
      expect.objectContaining({ code: "BATCH_CORRUPT" }),
    );
  });

  it("is read as another implementation writes it", () => {
    const compressed = execFileSync("gzip", ["-c"], { input: "telemetry ".repeat(9) });
    expect(decompress("gzip", compressed, MIB).toString()).toBe("telemetry ".repeat(9));
  });
});
