/**
 * Parts of one buffer, one behind another: the payloads that one chunk of a socket holds. Made once
 * and filled again and again, so that a part costs no object.
 */
export class Slices {
  /** Where each begins and ends, in bytes; the first {@link count} are meant. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  count = 0;

  /** `max`: how many it holds at most. */
  constructor(max: number) {
    this.from = new Int32Array(max);
    this.to = new Int32Array(max);
  }

  /** The bytes from `from` to `to`; there must be room for one more. */
  add(from: number, to: number): void {
    this.from[this.count] = from;
    this.to[this.count] = to;
    this.count += 1;
  }

  clear(): void {
    this.count = 0;
  }

  /** Length of one of them, in bytes. */
  bytesOf(nth: number): number {
    return (this.to[nth] as number) - (this.from[nth] as number);
  }

  /** Length of the first `count` together, in bytes. */
  bytesOfFirst(count: number): number {
    let bytes = 0;
    for (let nth = 0; nth < count; nth += 1) bytes += this.bytesOf(nth);
    return bytes;
  }
}
