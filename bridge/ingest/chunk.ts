/** What is being taken of one chunk of a socket; one for all lanes, as they take one at a time. */
import type { AppendGroup } from "../../src/log/contract.ts";
import { equalBytes, viewOf, viewOfMemory } from "../../src/wire/copy-slice.ts";
import type { Taken } from "./intake.ts";

const NOTHING = Buffer.alloc(0);

export class Chunk {
  bytes: Buffer = NOTHING;
  /** Of the memory that the chunk lies in, from `#base` on. */
  #view: DataView = viewOf(NOTHING);
  #base = 0;
  group: AppendGroup | undefined;
  nowMs = 0;
  /** Undefined until something is. */
  taken: Taken | undefined;
  /** Where the last frame ends that was taken. */
  takenTo = 0;
  messages = 0;
  /** Of those, the ones of QoS 1. */
  acknowledged = 0;
  payloadBytes = 0;

  begin(bytes: Buffer, from: number, group: AppendGroup, nowMs: number): void {
    this.bytes = bytes;
    this.#view = viewOfMemory(bytes);
    this.#base = bytes.byteOffset;
    this.group = group;
    this.nowMs = nowMs;
    this.taken = undefined;
    this.takenTo = from;
    this.messages = 0;
    this.acknowledged = 0;
    this.payloadBytes = 0;
  }

  /** Whether so many bytes are the same from `one` and from `other` on; all must be in the chunk. */
  isSame(one: number, other: number, bytes: number): boolean {
    return equalBytes(this.#view, this.#base + one, this.#base + other, bytes);
  }

  /** Holds on to nothing. */
  end(): void {
    this.bytes = NOTHING;
    this.group = undefined;
    this.taken = undefined;
  }
}
