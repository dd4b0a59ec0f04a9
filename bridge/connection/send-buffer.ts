/**
 * What one connection is sent within a turn of the event loop, put together into as few writes as
 * may be: a group's acknowledgements and deliveries leave in one.
 */
import type { Writable } from "node:stream";

/** Beyond it a piece is not worth copying, and what has been gathered leaves at once. */
const COPIED_BYTES_MAX = 16 * 1024;
const GATHERED_BYTES_MAX = 256 * 1024;

export class SendBuffer {
  readonly #stream: Writable;
  /** Undefined while nothing waits: most connections are sent nothing for most of the time. */
  #pieces: Buffer[] | undefined;
  #bytes = 0;
  #sentBytes = 0;
  /** The network has taken everything: no need to look at the stream again. */
  #allTaken = true;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Given, and not yet taken by the network. */
  get waitingBytes(): number {
    if (this.#allTaken) return 0;
    const bytes = this.#bytes + this.#stream.writableLength;
    this.#allTaken = bytes === 0;
    return bytes;
  }

  /** Taken by the network since the connection began: grows as long as the other end reads. */
  get takenBytes(): number {
    return this.#sentBytes - this.#stream.writableLength;
  }

  add(bytes: Buffer): void {
    if (this.#pieces === undefined) {
      this.#pieces = [bytes];
      queueMicrotask(() => this.flush());
    } else {
      this.#pieces.push(bytes);
    }
    this.#bytes += bytes.length;
    this.#allTaken = false;
    if (this.#bytes >= GATHERED_BYTES_MAX) this.flush();
  }

  /** Writes what has been gathered. */
  flush(): void {
    const pieces = this.#pieces;
    if (pieces === undefined) return;
    this.#pieces = undefined;
    this.#sentBytes += this.#bytes;
    this.#bytes = 0;
    if (!this.#stream.writable) return;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) {
      this.#stream.write(first);
      return;
    }
    this.#stream.cork();
    for (const piece of joined(pieces)) this.#stream.write(piece);
    this.#stream.uncork();
  }
}

/** Small pieces one after another become one; large ones stay as they are. */
function joined(pieces: readonly Buffer[]): Buffer[] {
  const result: Buffer[] = [];
  let small: Buffer[] = [];
  for (const piece of pieces) {
    if (piece.length <= COPIED_BYTES_MAX) {
      small.push(piece);
      continue;
    }
    if (small.length > 0) result.push(Buffer.concat(small));
    small = [];
    result.push(piece);
  }
  if (small.length > 0) result.push(Buffer.concat(small));
  return result;
}
