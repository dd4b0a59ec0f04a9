/**
 * The PUBACKs of one connection's messages in one group, written one after another as they will be
 * sent:
 *
 *     byte 0 0x40 | byte 1 0x02 | bytes 2-3 packet identifier
 */
const PUBACK = 0x40;
const PUBACK_REMAINING_BYTES = 2;
const PUBACK_BYTES = 4;
const BYTES_INITIAL = 4 * PUBACK_BYTES;

export class Acknowledgements {
  #buffer: Buffer;
  #bytes = 0;

  /** `expected`: how many there will be, as far as can be told. */
  constructor(expected: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(expected * PUBACK_BYTES, BYTES_INITIAL));
  }

  get count(): number {
    return this.#bytes / PUBACK_BYTES;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /** For the packet identifier that stands at `at` of `source`. */
  add(source: Buffer, at: number): void {
    if (this.#bytes === this.#buffer.length) {
      const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    const buffer = this.#buffer;
    const to = this.#bytes;
    buffer[to] = PUBACK;
    buffer[to + 1] = PUBACK_REMAINING_BYTES;
    buffer[to + 2] = source[at] as number;
    buffer[to + 3] = source[at + 1] as number;
    this.#bytes = to + PUBACK_BYTES;
  }
}
