/**
 * Writes a stream of lines to one HTTP response. Lines of one turn of the event loop are written
 * together; while the reader's socket is full nothing more is asked of the source, so a slow reader
 * holds {@link CHUNK_CHARS} characters and never a queue. A reader that takes nothing for
 * `stallMsMax` is cut off: it holds one of few streams.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TributaryError } from "../base/errors.ts";

const CHUNK_CHARS = 64 * 1024;

export class LineStream {
  readonly #response: ServerResponse;
  readonly #stallMsMax: number;
  #gathered = "";
  #scheduled: NodeJS.Immediate | undefined;

  constructor(response: ServerResponse, stallMsMax: number) {
    this.#response = response;
    this.#stallMsMax = stallMsMax;
  }

  /** Resolves when there is room for more. @throws TIMED_OUT where the reader takes nothing or left */
  async write(text: string): Promise<void> {
    if (this.#response.destroyed) {
      // A destroyed response never asks to wait, so a source that never waits would hold the event
      // loop for good: nobody would hear of the close.
      await nextTurn();
      throw new TributaryError("TIMED_OUT", "The reader has gone.");
    }
    this.#gathered += text;
    if (this.#gathered.length >= CHUNK_CHARS) this.#flush();
    else this.#scheduled ??= setImmediate(() => this.#flush());
    if (this.#response.writableNeedDrain) await this.#drained();
  }

  /** Writes what is left and ends the response. */
  end(): void {
    this.#flush();
    this.#response.end();
  }

  /** Says what went wrong in a last line, then breaks off without the end a whole answer has. */
  fail(line: string): void {
    this.#gathered += line;
    this.#flush();
    this.#response.socket?.destroySoon();
  }

  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#gathered === "") return;
    const text = this.#gathered;
    this.#gathered = "";
    this.#response.write(text);
  }

  async #drained(): Promise<void> {
    const stalled = AbortSignal.timeout(this.#stallMsMax);
    const gone = new AbortController();
    const closed = () => gone.abort();
    this.#response.once("close", closed);
    try {
      await once(this.#response, "drain", { signal: AbortSignal.any([stalled, gone.signal]) });
    } catch (error) {
      if (!stalled.aborted) throw error;
      throw new TributaryError(
        "TIMED_OUT",
        `The reader took nothing for ${this.#stallMsMax} ms: read faster, or ask for less.`,
      );
    } finally {
      this.#response.off("close", closed);
    }
  }
}
