/**
 * Copies and compares parts of buffers. Up to some hundred bytes, eight at a time in JavaScript is
 * faster than a call out of it: the messages of devices are mostly that short, and there are millions
 * a second.
 */

/** Up to here the loop wins. */
const LOOP_BYTES_MAX = 256;
const WORD_BYTES = 4;

/** Of the memory that was looked at last: sockets are read into the same one again and again. */
let viewed: ArrayBufferLike = new ArrayBuffer(0);
let view: DataView = new DataView(viewed);

/** So many bytes behind what is copied may be anything afterwards: the last word is copied whole. */
export const OVERRUN_BYTES_MAX = 7;

/**
 * `source` from `from` to `to` into `target` at `at`, where there must be room for them and
 * {@link OVERRUN_BYTES_MAX} more. The views: {@link viewOfMemory} of `source`, {@link viewOf} `target`.
 */
export function copySlice(
  source: Buffer,
  sourceMemory: DataView,
  from: number,
  to: number,
  target: Buffer,
  targetView: DataView,
  at: number,
): void {
  const end = source.byteOffset + to;
  if (to - from > LOOP_BYTES_MAX || end + OVERRUN_BYTES_MAX > sourceMemory.byteLength) {
    source.copy(target, at, from, to);
  } else {
    copyWords(sourceMemory, source.byteOffset + from, end, targetView, at);
  }
}

/** From `from` to `to` or up to {@link OVERRUN_BYTES_MAX} beyond, in both. */
export function copyWords(
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  at: number,
): void {
  for (let read = from, write = at; read < to; read += 8, write += 8) {
    target.setBigInt64(write, source.getBigInt64(read, true), true);
  }
}

/** Whether so many bytes are the same from `one` and from `other` on. */
export function equalBytes(memory: DataView, one: number, other: number, bytes: number): boolean {
  if (bytes < WORD_BYTES) {
    for (let nth = 0; nth < bytes; nth += 1) {
      if (memory.getUint8(one + nth) !== memory.getUint8(other + nth)) return false;
    }
    return true;
  }
  const last = bytes - WORD_BYTES;
  for (let nth = 0; nth < last; nth += WORD_BYTES) {
    if (memory.getInt32(one + nth) !== memory.getInt32(other + nth)) return false;
  }
  return memory.getInt32(one + last) === memory.getInt32(other + last);
}

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Of all the memory that the buffer is a part of: it begins there at its `byteOffset`. */
export function viewOfMemory({ buffer }: Buffer): DataView {
  if (buffer !== viewed) {
    viewed = buffer;
    view = new DataView(buffer);
  }
  return view;
}
