/**
 * Decompression for sections that may come to much: in the thread pool, a piece at a time, so that
 * the event loop goes on meanwhile. What is taken and what is refused is exactly that of `decompress`.
 *
 * gzip, zstd and framed snappy come in pieces of some 256 KiB; LZ4 frames and raw snappy have no
 * decoder that would part them, and come in one.
 */
import { createGunzip, createZstdDecompress } from "node:zlib";
import { isTributaryError } from "../base/errors.ts";
import { decompress, decompressFailure, tooLarge } from "./compression.ts";
import { lz4Pieces } from "./lz4-frame.ts";
import type { CompressionCodec } from "./record-batch.ts";
import { hasFewBlocks, snappyPieces } from "./snappy.ts";

/** What comes to no more costs less at once than the way to another thread and back. */
export const AT_ONCE_BYTES_MAX = 256 * 1024;

const PIECE_BYTES = 256 * 1024;

type Compressed = Exclude<CompressionCodec, "none">;
type Pieces = (bytes: Uint8Array, bytesMax: number) => AsyncIterable<Buffer>;

const PIECES: Readonly<Record<Compressed, Pieces>> = {
  gzip: (bytes, bytesMax) => streamed("gzip", createGunzip, bytes, bytesMax),
  snappy: snappyPieces,
  lz4: lz4Pieces,
  zstd: (bytes, bytesMax) => streamed("zstd", createZstdDecompress, bytes, bytesMax),
};

/**
 * As `decompress`, but undefined where `bytes` may come to more than is to be inflated in one turn:
 * then {@link inflatePieces} has to.
 * @throws BATCH_CORRUPT; DECOMPRESSED_TOO_LARGE where `bytesMax` is the smaller limit
 */
export function decompressAtOnce(
  codec: Compressed,
  bytes: Uint8Array,
  bytesMax: number,
): Buffer | undefined {
  if (bytes.length > AT_ONCE_BYTES_MAX) return undefined;
  if (codec === "snappy" && !hasFewBlocks(bytes)) return undefined;
  try {
    return decompress(codec, bytes, Math.min(bytesMax, AT_ONCE_BYTES_MAX));
  } catch (error) {
    const larger = isTributaryError(error, "DECOMPRESSED_TOO_LARGE");
    if (larger && bytesMax > AT_ONCE_BYTES_MAX) return undefined;
    throw error;
  }
}

/** @throws BATCH_CORRUPT, DECOMPRESSED_TOO_LARGE, as `decompress`, but perhaps after some pieces */
export async function* inflatePieces(
  codec: Compressed,
  bytes: Uint8Array,
  bytesMax: number,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* PIECES[codec](bytes, bytesMax);
  } catch (error) {
    throw decompressFailure(codec, error, bytesMax);
  }
}

/** zlib's own stream, which inflates no further than what was taken of it. */
async function* streamed(
  codec: Compressed,
  create: typeof createGunzip | typeof createZstdDecompress,
  bytes: Uint8Array,
  bytesMax: number,
): AsyncGenerator<Buffer> {
  const stream = create({ chunkSize: PIECE_BYTES });
  let inflatedBytes = 0;
  stream.end(bytes);
  // Leaving the loop destroys the stream.
  for await (const piece of stream as AsyncIterable<Buffer>) {
    inflatedBytes += piece.length;
    if (inflatedBytes > bytesMax) throw tooLarge(codec, bytesMax);
    yield piece;
  }
}
