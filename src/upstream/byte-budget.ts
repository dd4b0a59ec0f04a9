/**
 * Bytes that all lanes together may hold in memory. Who asks waits until there is room, in the order
 * of asking, so that no lane starves. A wish larger than the whole budget is granted when nobody
 * holds anything: one batch must always be able to pass.
 */
import { assert } from "../base/errors.ts";

export class ByteBudget {
  readonly #bytesMax: number;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Resolves when `bytes` are the caller's; it must {@link release} each of them. */
  async acquire(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#heldBytes += bytes;
      return;
    }
    await new Promise<void>((grant) => this.#waiting.push({ bytes, grant }));
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    assert(this.#heldBytes >= 0, "more bytes were released than were held");
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#heldBytes += next.bytes;
      this.#waiting.shift();
      next.grant();
    }
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#bytesMax;
  }
}
