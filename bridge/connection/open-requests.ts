/**
 * One client's requests whose answer waits for the disk (SUBSCRIBE, UNSUBSCRIBE, PUBREL): so many at
 * once, then nothing more of it is read.
 */
import type { HeldReader } from "./pressure.ts";

export const REQUESTS_MAX = 64;

/** Whose requests they are: it ends where one cannot be answered. */
interface Failing {
  fail(error: unknown): void;
}

export class OpenRequests {
  readonly #connection: Failing;
  readonly #reader: HeldReader;
  #count = 0;

  /** `reader` is told when there was no room, and is again. */
  constructor(connection: Failing, reader: HeldReader) {
    this.#connection = connection;
    this.#reader = reader;
  }

  get full(): boolean {
    return this.#count >= REQUESTS_MAX;
  }

  /** `answered`: when its answer has left; undefined where it has already, or needs none. */
  add(answered: Promise<void> | undefined): void {
    if (answered === undefined) return;
    this.#count += 1;
    const fail = (error: unknown) => this.#connection.fail(error);
    answered.catch(fail).finally(() => {
      this.#count -= 1;
      if (this.#count === REQUESTS_MAX - 1) this.#reader.offer();
    });
  }
}
