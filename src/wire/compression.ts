/**
 * The compressions of a batch's records section, synchronous and bounded: nothing is ever inflated
 * beyond the caller's limit, and a declared size is held against that limit before a byte is
 * allocated for it. What a batch claims is not believed: a small one may inflate a thousandfold.
 *
 * One line of the table is one codec; the two formats that npm's decoders do not bound by
 * themselves have a file each (`snappy.ts`, `lz4-frame.ts`).
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { messageOf, TributaryError } from "../base/errors.ts";
import { compressLz4, decompressLz4 } from "./lz4-frame.ts";
import type { CompressionCodec } from "./record-batch.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";

interface Compression {
  compress(bytes: Uint8Array): Buffer;
  /** Throws anything on corrupt bytes, and a TributaryError on more than `bytesMax`. */
  decompress(bytes: Uint8Array, bytesMax: number): Buffer;
}

/** zlib works in chunks of this size; its default of 16 KiB makes many small ones of a batch. */
const CHUNK_BYTES = 64 * 1024;
/** Kafka's own default level. */
const ZSTD_LEVEL = 3;

const COMPRESSIONS: Readonly<Record<CompressionCodec, Compression>> = {
  none: {
    compress: toBuffer,
    decompress: (bytes, bytesMax) => {
      if (bytes.length > bytesMax) throw tooLarge("none", bytesMax);
      return toBuffer(bytes);
    },
  },
  gzip: {
    compress: (bytes) => gzipSync(bytes),
    decompress: (bytes, bytesMax) => gunzipSync(bytes, bounded(bytesMax)),
  },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: {
    compress: (bytes) =>
      zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
    decompress: (bytes, bytesMax) => zstdDecompressSync(bytes, bounded(bytesMax)),
  },
};

/** Compresses a records section. `none` answers the same bytes, not a copy. */
export function compress(codec: CompressionCodec, bytes: Uint8Array): Buffer {
  return COMPRESSIONS[codec].compress(bytes);
}

/**
 * Decompresses a records section into at most `bytesMax` bytes. `none` answers the same bytes, not
 * a copy.
 * @throws BATCH_CORRUPT where `bytes` is not what `codec` writes; DECOMPRESSED_TOO_LARGE
 */
export function decompress(codec: CompressionCodec, bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    return COMPRESSIONS[codec].decompress(bytes, bytesMax);
  } catch (error) {
    throw decompressFailure(codec, error, bytesMax);
  }
}

/** What a decoder threw, as the failure of who sent the bytes. */
export function decompressFailure(
  codec: CompressionCodec,
  error: unknown,
  bytesMax: number,
): TributaryError {
  if (error instanceof TributaryError) return error;
  if (hasCode(error, "ERR_BUFFER_TOO_LARGE")) return tooLarge(codec, bytesMax);
  return new TributaryError(
    "BATCH_CORRUPT",
    `The records are not valid ${codec} data: ${messageOf(error)}`,
    { cause: error },
  );
}

export function tooLarge(codec: CompressionCodec, bytesMax: number): TributaryError {
  return new TributaryError(
    "DECOMPRESSED_TOO_LARGE",
    `The records (compression: ${codec}) come to more than ${bytesMax} bytes; send smaller batches`,
  );
}

function bounded(bytesMax: number): { maxOutputLength: number; chunkSize: number } {
  // zlib refuses a limit of 0, and no records section is empty.
  return { maxOutputLength: Math.max(bytesMax, 1), chunkSize: CHUNK_BYTES };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
