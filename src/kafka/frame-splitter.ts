/**
 * Finds requests in what a socket brings: each is an int32 of its length, then so many bytes. Each is
 * copied out of its chunks, which sockets share. Owns the bytes of the request that is not yet whole.
 */
import { TributaryError } from "../base/errors.ts";
import type { RequestBuffers } from "./request-buffers.ts";

const LENGTH_BYTES = 4;
/** The least a request's header can be: key, version, correlation id, no client id. */
const FRAME_BYTES_MIN = 8;
/** Memory is taken as bytes come, not as they are promised. */
const FIRST_ALLOCATION_BYTES = 1024 * 1024;

const NOTHING = Buffer.alloc(0);

export class FrameSplitter {
  /** A longer request is refused from its length on. */
  frameBytesMax: number;
  readonly #buffers: RequestBuffers;
  /** The first bytes of a length, until there are four. */
  #lengthPart: Buffer = NOTHING;
  #partial: Buffer = NOTHING;
  #filled = 0;
  /** What the request under way will be; 0 between requests. */
  #wanted = 0;

  constructor(frameBytesMax: number, buffers: RequestBuffers) {
    this.frameBytesMax = frameBytesMax;
    this.#buffers = buffers;
  }

  /** Memory taken for the request whose end has not come. */
  get partialBytes(): number {
    return this.#partial.length;
  }

  /**
   * The requests that `chunk` completes, in order, each in memory of its own.
   * @throws FRAME_MALFORMED, FRAME_TOO_LARGE
   */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#wanted === 0) {
        const joined = this.#lengthPart.length > 0 ? Buffer.concat([this.#lengthPart, rest]) : rest;
        this.#lengthPart = NOTHING;
        if (joined.length < LENGTH_BYTES) {
          this.#lengthPart = Buffer.from(joined);
          break;
        }
        this.#wanted = this.#checked(joined.readInt32BE(0));
        rest = joined.subarray(LENGTH_BYTES);
      }
      rest = this.#fill(rest);
      if (this.#filled === this.#wanted) frames.push(this.#take());
    }
    return frames;
  }

  /** Takes what the request under way still wants; answers what is left of `bytes`. */
  #fill(bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, this.#wanted - this.#filled);
    const filled = this.#filled + taken.length;
    if (filled > this.#partial.length) {
      const grown = Math.max(filled, this.#partial.length * 2, FIRST_ALLOCATION_BYTES);
      const larger = this.#buffers.take(Math.min(grown, this.#wanted));
      this.#partial.copy(larger, 0, 0, this.#filled);
      this.#buffers.giveBack(this.#partial);
      this.#partial = larger;
    }
    taken.copy(this.#partial, this.#filled);
    this.#filled = filled;
    return bytes.subarray(taken.length);
  }

  #take(): Buffer {
    const frame = this.#partial.subarray(0, this.#wanted);
    this.#partial = NOTHING;
    this.#filled = 0;
    this.#wanted = 0;
    return frame;
  }

  #checked(length: number): number {
    if (length > this.frameBytesMax) {
      throw new TributaryError(
        "FRAME_TOO_LARGE",
        `A request of ${length} bytes is over the limit of ${this.frameBytesMax} bytes.`,
      );
    }
    if (length < FRAME_BYTES_MIN) {
      throw new TributaryError("FRAME_MALFORMED", `A request cannot be ${length} bytes long.`);
    }
    return length;
  }
}
