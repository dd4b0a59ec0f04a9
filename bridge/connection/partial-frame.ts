/**
 * The beginning of a frame whose end has not come. Its bytes are copied, so that they do not keep
 * the chunk that they came in; its buffer grows with what comes, not with what the frame's header
 * claims, and by doubling, so that a frame that comes byte by byte costs no more than twice its size.
 *
 * Invariant: it never holds more than the one frame.
 */
const NOTHING = Buffer.alloc(0);
const BYTES_INITIAL = 256;

export class PartialFrame {
  #buffer: Buffer = NOTHING;
  #bytes = 0;
  #frameBytes = 0;

  /** How many of the frame's bytes have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `frameBytes` is the size of the whole frame that `beginning` begins. */
  begin(beginning: Buffer, frameBytes: number): void {
    this.#frameBytes = frameBytes;
    this.fill(beginning);
  }

  /** Takes what the frame lacks from the front of `bytes`; answers how many bytes that was. */
  fill(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#frameBytes - this.#bytes);
    this.#reserve(this.#bytes + taken);
    bytes.copy(this.#buffer, this.#bytes, 0, taken);
    this.#bytes += taken;
    return taken;
  }

  /** The frame, once it is whole; then there is none any more. */
  take(): Buffer | undefined {
    if (this.#bytes < this.#frameBytes) return undefined;
    const frame = this.#buffer.subarray(0, this.#frameBytes);
    this.forget();
    return frame;
  }

  /** Nothing is kept of it. */
  forget(): void {
    this.#buffer = NOTHING;
    this.#bytes = 0;
    this.#frameBytes = 0;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const doubled = Math.max(bytes, this.#buffer.length * 2, BYTES_INITIAL);
    const larger = Buffer.allocUnsafeSlow(Math.min(doubled, this.#frameBytes));
    this.#buffer.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
  }
}
