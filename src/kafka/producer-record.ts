/**
 * A producer's state as it stands in the log's small state, written for each of its batches and copied
 * to every new segment, so it is kept short:
 *
 *     version int8 = 2 | epoch | last seen (ms since 1970) | batch*
 *     batch = records - 1 | last sequence | base offset | append time (ms since 1970, or -1)
 *
 * All but the version are zigzag varints of up to 53 bits. After the first batch, sequence, offset and
 * time are differences from what would follow on the batch before, which is what mostly comes: 0.
 * Version 1 had fixed fields (131 bytes for five batches) and is still read.
 */
import type { ProducerState, RememberedBatch } from "./producer-state.ts";
import { sequenceAfter } from "./producer-state.ts";

const VERSION = 2;
const BYTES_MAX = 256;
const FIXED_VERSION = 1;
const FIXED_HEADER_BYTES = 11;
const FIXED_BATCH_BYTES = 24;
const SEQUENCES = 0x8000_0000;
const ON_DISK = Promise.resolve();

/** Written to again and again: what leaves here is a copy. */
const scratch = Buffer.allocUnsafeSlow(BYTES_MAX);

export function encodeProducerState({ epoch, lastSeenMs, batches }: ProducerState): Uint8Array {
  scratch[0] = VERSION;
  let at = writeNumber(1, epoch);
  at = writeNumber(at, lastSeenMs);
  let next = { sequence: 0, offset: 0, timeMs: lastSeenMs };
  for (const { firstSequence, lastSequence, placed } of batches) {
    const more = (lastSequence - firstSequence + SEQUENCES) % SEQUENCES;
    at = writeNumber(at, more);
    at = writeNumber(at, lastSequence - sequenceAfter(next.sequence, more));
    at = writeNumber(at, placed.baseOffset - next.offset);
    at = writeNumber(at, placed.logAppendTimeMs - next.timeMs);
    next = following({ lastSequence, placed }, more);
  }
  return new Uint8Array(scratch.subarray(0, at));
}

/** The state in `value`, or undefined where it is of a format this version does not know. */
export function decodeProducerState(value: Uint8Array): ProducerState | undefined {
  if (value[0] === FIXED_VERSION) return decodeFixed(value);
  if (value[0] !== VERSION) return undefined;
  const cursor = new NumberCursor(value);
  const epoch = cursor.next();
  const lastSeenMs = cursor.next();
  const batches: RememberedBatch[] = [];
  let next = { sequence: 0, offset: 0, timeMs: lastSeenMs };
  while (cursor.at < value.length) {
    const more = cursor.next();
    const lastSequence = cursor.next() + sequenceAfter(next.sequence, more);
    const baseOffset = cursor.next() + next.offset;
    const placed = { baseOffset, logAppendTimeMs: cursor.next() + next.timeMs };
    const firstSequence = (lastSequence - more + SEQUENCES) % SEQUENCES;
    batches.push({ firstSequence, lastSequence, placed, flushed: ON_DISK });
    next = following({ lastSequence, placed }, more);
  }
  return { epoch, lastSeenMs, batches };
}

/** What a batch begins with that comes right behind this one. */
function following(
  { lastSequence, placed }: Pick<RememberedBatch, "lastSequence" | "placed">,
  more: number,
): { sequence: number; offset: number; timeMs: number } {
  const { baseOffset, logAppendTimeMs } = placed;
  const sequence = sequenceAfter(lastSequence, 1);
  return { sequence, offset: baseOffset + more + 1, timeMs: logAppendTimeMs };
}

function writeNumber(from: number, value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let at = from;
  while (rest >= 0x80) {
    scratch[at++] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  scratch[at++] = rest;
  return at;
}

class NumberCursor {
  at = 1;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let zigzag = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.at++] ?? 0;
      zigzag += (byte % 0x80) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}

/**
 *     version int8 = 1 | epoch int16 | last seen int64 (ms since 1970)
 *     | (first sequence int32, last sequence int32, base offset int64, append time int64)*
 */
function decodeFixed(value: Uint8Array): ProducerState | undefined {
  if (value.length < FIXED_HEADER_BYTES) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const batches: RememberedBatch[] = [];
  let at = FIXED_HEADER_BYTES;
  for (; at + FIXED_BATCH_BYTES <= bytes.length; at += FIXED_BATCH_BYTES) {
    batches.push({
      firstSequence: bytes.readInt32BE(at),
      lastSequence: bytes.readInt32BE(at + 4),
      placed: {
        baseOffset: Number(bytes.readBigInt64BE(at + 8)),
        logAppendTimeMs: Number(bytes.readBigInt64BE(at + 16)),
      },
      flushed: ON_DISK,
    });
  }
  return { epoch: bytes.readInt16BE(1), lastSeenMs: Number(bytes.readBigInt64BE(3)), batches };
}
