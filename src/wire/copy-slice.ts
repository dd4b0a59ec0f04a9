/**
 * Copies a slice of a buffer. Up to some hundred bytes, eight at a time in JavaScript is faster than a
 * call out of it: the messages of devices are mostly that short, and there are millions a second.
 */

/** Up to here the loop wins. */
const LOOP_BYTES_MAX = 256;
/** A view of a smaller source would not be used often enough to be worth its making. */
const VIEWED_BYTES_MIN = 4096;

/** Of the source that was copied from last: one chunk of a socket holds many messages. */
let viewed: Buffer | undefined;
let view: DataView = new DataView(new ArrayBuffer(0));

/** `source` from `from` to `to` into `target` at `at`, where there must be room; `targetView` is of it. */
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
  let read = from;
  let write = at;
  for (const last = to - 8; read <= last; read += 8, write += 8) {
    targetView.setBigInt64(write, view.getBigInt64(read, true), true);
  }
  for (; read < to; read += 1, write += 1) target[write] = source[read] as number;
}

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
