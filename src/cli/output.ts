/**
 * Standard output, as a queue of one: `write` resolves when there is room, so that a slow reader
 * slows the replay. When the reader goes away (`| head`) it is not an error: `closed` aborts.
 */
import { once } from "node:events";
import type { Writable } from "node:stream";

export class Output {
  readonly #stream: Writable;
  readonly #closed = new AbortController();

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      this.#closed.abort();
    });
  }

  /** Aborts when nobody reads any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async write(text: string | Uint8Array): Promise<void> {
    if (this.closed.aborted || this.#stream.write(text)) return;
    await once(this.#stream, "drain", { signal: this.closed }).catch((error: unknown) => {
      if (!this.closed.aborted) throw error;
    });
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }
}
