/**
 * Bounds what all connections together hold of frames whose end has not come: many clients that
 * begin large packets and never end them must not fill the memory. Small beginnings are not counted,
 * so that those who send large ones slowly shut out nobody else; and where there is no room, whoever
 * has taken the longest gives way, so that those who never end theirs do not shut out the rest.
 */
import type { Clock } from "../../src/base/clock.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import { PartialFrame } from "./partial-frame.ts";

const UNCOUNTED_BYTES_MAX = 4_096;
/** A large packet may take this long, however little room there is. */
export const GATHER_MS_MIN = 10_000;

export class GatheringBudget {
  readonly #bytesMax: number;
  readonly #clock: Clock;
  #bytes = 0;
  /** Who holds some of it, since when; the longest first. */
  readonly #holders = new Map<GatheredFrame, number>();

  constructor(bytesMax: number, clock: Clock) {
    this.#bytesMax = bytesMax;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ProtocolRefusal where there is no room. */
  take(holder: GatheredFrame, bytes: number): void {
    while (this.#bytes + bytes > this.#bytesMax) this.#makeRoom(holder);
    this.#bytes += bytes;
    if (!this.#holders.has(holder)) this.#holders.set(holder, this.#clock.monotonicMs());
  }

  release(holder: GatheredFrame, bytes: number): void {
    this.#bytes -= bytes;
    this.#holders.delete(holder);
  }

  #makeRoom(wanting: GatheredFrame): void {
    const [longest] = this.#holders;
    const [holder, sinceMs] = longest ?? [wanting, 0];
    if (holder === wanting || this.#clock.monotonicMs() - sinceMs < GATHER_MS_MIN) {
      throw this.#refusal("Too many large packets arrive at once");
    }
    holder.giveWay(this.#refusal("A large packet took too long, and others wait for its room"));
  }

  #refusal(what: string): ProtocolRefusal {
    const message = `${what} (partialPacketBytesMax = ${this.#bytesMax}).`;
    return new ProtocolRefusal("limit", ReasonCode.serverBusy, message);
  }
}

/** One connection's frame in the making. */
export class GatheredFrame {
  readonly #budget: GatheringBudget;
  readonly #givenWay: (why: ProtocolRefusal) => void;
  readonly #partial = new PartialFrame();
  #counted = 0;

  /** `givenWay` must end the connection: what it has sent of the frame is lost. */
  constructor(budget: GatheringBudget, givenWay: (why: ProtocolRefusal) => void) {
    this.#budget = budget;
    this.#givenWay = givenWay;
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
    if (frame !== undefined) this.#release();
    return frame;
  }

  /** The connection is gone: nothing is kept of the frame, though the socket may linger. */
  forget(): void {
    this.#partial.forget();
    this.#release();
  }

  giveWay(why: ProtocolRefusal): void {
    this.forget();
    this.#givenWay(why);
  }

  #release(): void {
    if (this.#counted === 0) return;
    this.#budget.release(this, this.#counted);
    this.#counted = 0;
  }

  #count(): void {
    const more = Math.max(0, this.#partial.bytes - UNCOUNTED_BYTES_MAX) - this.#counted;
    if (more <= 0) return;
    this.#budget.take(this, more);
    this.#counted += more;
  }
}
