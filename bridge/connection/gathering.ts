/**
 * Bounds what all connections together hold of frames whose end has not come: many clients that
 * begin large packets and never end them must not fill the memory. Small beginnings are not counted,
 * so that those who send large ones slowly shut out nobody else.
 */
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { PartialFrame } from "./partial-frame.ts";

const UNCOUNTED_BYTES_MAX = 4_096;

export class GatheringBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ProtocolRefusal where there is no room. */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      throw new ProtocolRefusal(
        "limit",
        ReasonCode.serverBusy,
        `Too many large packets arrive at once (partialPacketBytesMax = ${this.#bytesMax}).`,
      );
    }
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** One connection's frame in the making. */
export class GatheredFrame {
  readonly #budget: GatheringBudget;
  readonly #partial = new PartialFrame();
  #counted = 0;

  constructor(budget: GatheringBudget) {
    this.#budget = budget;
  }

  get begun(): boolean {
    return this.#partial.bytes > 0;
  }

  /** `frameBytes`: as far as is known; where the header itself is cut off, one byte more than came. */
  begin(beginning: Buffer, frameBytes: number): void {
    this.#partial.begin(beginning, frameBytes);
    this.#count();
  }

  /** Takes what it lacks from `bytes` from `at` on; answers how many bytes that was. */
  fill(bytes: Buffer, at: number): number {
    const taken = this.#partial.fill(at === 0 ? bytes : bytes.subarray(at));
    this.#count();
    return taken;
  }

  /** The frame, once it is whole; then there is none any more. */
  take(): Buffer | undefined {
    const frame = this.#partial.take();
    if (frame !== undefined) this.forget();
    return frame;
  }

  /** The connection is gone, or the frame is whole: it takes no room any more. */
  forget(): void {
    this.#budget.release(this.#counted);
    this.#counted = 0;
  }

  #count(): void {
    const more = Math.max(0, this.#partial.bytes - UNCOUNTED_BYTES_MAX) - this.#counted;
    if (more <= 0) return;
    this.#budget.take(more);
    this.#counted += more;
  }
}
