/**
 * SIGHUP, heard from the first moment on. One that comes while the gateway still starts must not end
 * the process, nor be lost: the access file may have been read already, and been changed since.
 */
import type { EventEmitter } from "node:events";

export class ReloadSignal {
  #reload: (() => Promise<void>) | undefined;
  #cameEarly = false;

  constructor(process: EventEmitter) {
    process.on("SIGHUP", () => {
      if (this.#reload === undefined) this.#cameEarly = true;
      else void this.#reload();
    });
  }

  /** From here on `reload` is called; resolves when what came before has been done. */
  async answer(reload: () => Promise<void>): Promise<void> {
    this.#reload = reload;
    if (this.#cameEarly) await reload();
  }
}
