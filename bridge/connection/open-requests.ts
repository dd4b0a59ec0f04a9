/**
 * One client's requests whose answer waits for the disk (SUBSCRIBE, UNSUBSCRIBE, PUBREL): so many at
 * once, then nothing more of it is read.
 */
export const REQUESTS_MAX = 64;

export class OpenRequests {
  readonly #failed: (error: unknown) => void;
  readonly #hasRoom: () => void;
  #count = 0;

  /** `hasRoom` is called when there was none, and is again. */
  constructor(failed: (error: unknown) => void, hasRoom: () => void) {
    this.#failed = failed;
    this.#hasRoom = hasRoom;
  }

  get full(): boolean {
    return this.#count >= REQUESTS_MAX;
  }

  /** `answered`: when its answer has left; undefined where it has already, or needs none. */
  add(answered: Promise<void> | undefined): void {
    if (answered === undefined) return;
    this.#count += 1;
    answered.catch(this.#failed).finally(() => {
      this.#count -= 1;
      if (this.#count === REQUESTS_MAX - 1) this.#hasRoom();
    });
  }
}
