/**
 * The LZ4 frame, as batches of version 2 use it. The npm decoder neither bounds what it inflates
 * nor notices a missing end, so the frame is walked here first:
 *
 *     magic 04 22 4D 18 | FLG | BD | (content size uint64 LE) | header checksum
 *     (block size uint32 LE, bit 31 = stored as is | block | (block checksum uint32))*
 *     end mark 00 00 00 00 | (content checksum uint32)
 *
 *     FLG  bits 7-6 version 01, 5 independent blocks, 4 block checksums, 3 content size,
 *          2 content checksum, 1 reserved, 0 dictionary id
 *     BD   bits 6-4 largest block: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB
 *
 * Linked blocks and dictionaries are refused, as Kafka's own reader refuses them: a batch that no
 * Java consumer and no central cluster could read must not be let in.
 *
 * Source: "LZ4 Frame Format Description" and "LZ4 Block Format Description" (lz4/doc).
 */
import { compressFrameSync, decompressFrame, decompressFrameSync } from "lz4-napi";
import { TributaryError } from "../base/errors.ts";

const MAGIC = 0x184d2204;
const HEADER_BYTES_MIN = 7;
const VERSION_MASK = 0xc0;
const VERSION_01 = 0x40;
const INDEPENDENT_BIT = 0x20;
const BLOCK_CHECKSUM_BIT = 0x10;
const CONTENT_SIZE_BIT = 0x08;
const CONTENT_CHECKSUM_BIT = 0x04;
const RESERVED_BITS = 0x03;
const STORED_BIT = 0x80000000;
const CHECKSUM_BYTES = 4;
const MATCH_BYTES_MIN = 4;

/** One frame of independent blocks. */
export function compressLz4(bytes: Uint8Array): Buffer {
  return compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** @throws DECOMPRESSED_TOO_LARGE, BATCH_CORRUPT, or the decoder's own error on corrupt bytes */
export function decompressLz4(bytes: Uint8Array, bytesMax: number): Buffer {
  return decompressFrameSync(measured(bytes, bytesMax));
}

/** The same in the thread pool. */
export async function* lz4Pieces(bytes: Uint8Array, bytesMax: number): AsyncGenerator<Buffer> {
  yield await decompressFrame(measured(bytes, bytesMax));
}

function measured(bytes: Uint8Array, bytesMax: number): Buffer {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const contentBytes = measureFrame(frame);
  if (contentBytes > bytesMax) {
    throw new TributaryError(
      "DECOMPRESSED_TOO_LARGE",
      `The LZ4 frame holds ${contentBytes} bytes, more than ${bytesMax}; send smaller batches`,
    );
  }
  return frame;
}

/** The bytes that a whole frame decompresses to, without decompressing it. */
function measureFrame(frame: Buffer): number {
  if (frame.length < HEADER_BYTES_MIN || frame.readUInt32LE(0) !== MAGIC) {
    throw corrupt("it does not begin with a frame header");
  }
  const flags = frame.readUInt8(4);
  if ((flags & VERSION_MASK) !== VERSION_01) throw corrupt("its version is unknown");
  if ((flags & RESERVED_BITS) !== 0) throw corrupt("dictionaries are not supported");
  if ((flags & INDEPENDENT_BIT) === 0) throw corrupt("linked blocks are not supported");
  const blockBytesMax = largestBlock(frame.readUInt8(5));
  const checksumBytes = (flags & BLOCK_CHECKSUM_BIT) === 0 ? 0 : CHECKSUM_BYTES;
  let at = HEADER_BYTES_MIN + ((flags & CONTENT_SIZE_BIT) === 0 ? 0 : 8);
  let contentBytes = 0;
  for (;;) {
    if (at + 4 > frame.length) throw corrupt("it is cut short");
    const word = frame.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const blockBytes = word % STORED_BIT;
    if (at + blockBytes + checksumBytes > frame.length) throw corrupt("it is cut short");
    const end = at + blockBytes;
    const inflatedBytes = word >= STORED_BIT ? blockBytes : measureBlock(frame, at, end);
    if (inflatedBytes > blockBytesMax) throw corrupt("a block is larger than its header says");
    contentBytes += inflatedBytes;
    at = end + checksumBytes;
  }
  if ((flags & CONTENT_CHECKSUM_BIT) !== 0) at += CHECKSUM_BYTES;
  if (at !== frame.length) throw corrupt("bytes follow its end, or its checksum is missing");
  return contentBytes;
}

function largestBlock(descriptor: number): number {
  const code = (descriptor >> 4) & 0x07;
  if (code < 4) throw corrupt("its block size is unknown");
  return 1 << (8 + 2 * code);
}

/**
 * The bytes that one compressed block inflates to: the sum of its sequences' literals and matches.
 * A token's high half counts literals, its low half the match less 4; 15 goes on in further bytes.
 * What an offset points to is the decoder's business.
 */
function measureBlock(frame: Buffer, start: number, end: number): number {
  let at = start;
  let bytes = 0;
  while (at < end) {
    const token = frame[at++] ?? 0;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) {
        more = frame[at++] ?? 0;
        literals += more;
      }
    }
    bytes += literals;
    at += literals;
    // The last sequence has literals only.
    if (at >= end) break;
    at += 2;
    let match = token & 0x0f;
    if (match === 15) {
      let more = 255;
      while (more === 255 && at < end) {
        more = frame[at++] ?? 0;
        match += more;
      }
    }
    bytes += match + MATCH_BYTES_MIN;
  }
  return bytes;
}

function corrupt(reason: string): TributaryError {
  return new TributaryError("BATCH_CORRUPT", `The records are not a valid LZ4 frame: ${reason}`);
}
