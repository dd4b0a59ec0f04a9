/**
 * Copies a slice of a buffer. Up to some hundred bytes, eight at a time in JavaScript is faster than a
 * call out of it: the messages of devices are mostly that short, and there are millions a second.
 */

/** Up to here the loop wins. */
const LOOP_BYTES_MAX = 256;
/** A view of a smaller source would not be used often enough to be worth its making. */
const VIEWED_BYTES_MIN = 1024;

/** Of the source that was copied from last: one chunk of a socket holds many messages. */
let viewed: Buffer | undefined;
let view: DataView = new DataView(new ArrayBuffer(0));

/** So many bytes behind what is copied may be anything afterwards: the last word is copied whole. */
export const OVERRUN_BYTES_MAX = 7;

/**
 * `source` from `from` to `to` into `target` at `at`, where there must be room for them and
 * {@link OVERRUN_BYTES_MAX} more; `targetView` is of `target`.
 */
export function copySlice(
  source: Buffer,
  from: number,
  to: number,
  target: Buffer,
  targetView: DataView,
  at: number,
): void {
  if (to - from > LOOP_BYTES_MAX || source.length < VIEWED_BYTES_MIN) {
    source.copy(target, at, from, to);
    return;
  }
  if (source !== viewed) {
    viewed = source;
    view = viewOf(source);
  }
  if (to + OVERRUN_BYTES_MAX <= source.length) {
    copyWords(view, from, to, targetView, at);
    return;
  }
  const words = to - ((to - from) & 7);
  copyWords(view, from, words, targetView, at);
  for (let read = words; read < to; read += 1) target[at + read - from] = source[read] as number;
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

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
