/**
 * Whether the disk has failed this process for good. A flush that failed leaves nobody able to say
 * what the disk holds: the kernel takes the pages for clean, and the next flush "succeeds" without
 * them. So the first such failure is the last write: all later ones are refused, by every map and
 * every segment, and the process has to end (docs/decisions/0014). Owner: the storage.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";

export class StorageFailure {
  /** Resolves, once, when the disk has failed; never where it does not. */
  readonly happened: Promise<TributaryError>;
  readonly #resolve: (error: TributaryError) => void;
  #error: TributaryError | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<TributaryError>();
    this.happened = promise;
    this.#resolve = resolve;
  }

  get error(): TributaryError | undefined {
    return this.#error;
  }

  /** @throws STORAGE_FAILED where the disk has failed. */
  check(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** The disk has failed; answers the error that whoever writes gets from now on. */
  trip(cause: unknown): TributaryError {
    if (this.#error === undefined) {
      this.#error = new TributaryError(
        "STORAGE_FAILED",
        `The disk failed a write (${messageOf(cause)}), so what it holds of it is unknown and nothing ` +
          "more is written: start the gateway again, which goes back to what is certain, and look at " +
          "the disk (the kernel's log names it).",
        { cause },
      );
      this.#resolve(this.#error);
    }
    return this.#error;
  }
}
