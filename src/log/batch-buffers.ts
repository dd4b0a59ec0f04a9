/**
 * Buffers for open batches, used again once their batch is on the disk: at a million records a second
 * fresh ones would cost the collector, and the kernel its page faults, a good part of the time. Owner
 * of the buffers that are idle; at most {@link IDLE_MAX} of them are kept.
 */
import { OPEN_BATCH_BYTES_MAX } from "./open-batch.ts";

/** Of one size: what a full batch takes. A record that is larger makes its batch grow out of it. */
const BUFFER_BYTES = OPEN_BATCH_BYTES_MAX;
const IDLE_MAX = 48;

export class BatchBuffers {
  readonly #idle: Buffer[] = [];

  /** A buffer for a batch that will be large; its bytes are anything. */
  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** The batch is on the disk: nobody reads its bytes any more. */
  giveBack(batch: Buffer): void {
    const { buffer } = batch;
    if (buffer.byteLength !== BUFFER_BYTES || this.#idle.length >= IDLE_MAX) return;
    this.#idle.push(Buffer.from(buffer));
  }
}
