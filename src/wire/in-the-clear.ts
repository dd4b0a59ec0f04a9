/**
 * Batches for readers that look into them: with their records in the clear, inflated as gently as a
 * stranger's batch is checked, for a stored one may come to just as much.
 */
import { decompressAtOnce, inflatePieces } from "./inflate-pieces.ts";
import { BATCH_HEADER_BYTES, clearCompression } from "./record-batch.ts";
import { DECOMPRESSED_BYTES_MAX, sectionCodec } from "./records.ts";

/**
 * The same batch for `records`, not compressed; its length and its checksum are those it had. A large
 * one takes several turns of the event loop, any other none.
 * @throws BATCH_CORRUPT, COMPRESSION_UNSUPPORTED, DECOMPRESSED_TOO_LARGE
 */
export function inTheClear(batch: Buffer): Buffer | Promise<Buffer> {
  const codec = sectionCodec(batch);
  if (codec === "none") return batch;
  const section = batch.subarray(BATCH_HEADER_BYTES);
  const bytes = decompressAtOnce(codec, section, DECOMPRESSED_BYTES_MAX);
  if (bytes !== undefined) return withSection(batch, [bytes]);
  const pieces = Array.fromAsync(inflatePieces(codec, section, DECOMPRESSED_BYTES_MAX));
  return pieces.then((all) => withSection(batch, all));
}

function withSection(batch: Buffer, pieces: readonly Buffer[]): Buffer {
  const clear = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), ...pieces]);
  clearCompression(clear);
  return clear;
}
