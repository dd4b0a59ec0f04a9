/**
 * Tells the access rules when a client hangs up while it is being let in, so that no password is
 * checked for somebody who has gone: a flood of CONNECTs would have the gateway compute for ever.
 *
 * Whose CONNECT it is that somebody asks about is known by the asynchronous context: the doorway
 * need not hand the connection through.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Duplex } from "node:stream";
import type { Access, Credentials, Principal } from "../../src/access/contract.ts";

export class AttendedAccess implements Access {
  readonly #access: Access;
  readonly #gone = new AsyncLocalStorage<AbortSignal>();

  constructor(access: Access) {
    this.#access = access;
  }

  get version(): number {
    return this.#access.version;
  }

  /** Lets a client in by `enter`; what that asks of these rules is dropped when `stream` closes. */
  async during(stream: Duplex, enter: () => Promise<void>): Promise<void> {
    const gone = new AbortController();
    const hungUp = () => gone.abort();
    stream.once("close", hungUp);
    if (stream.destroyed) hungUp();
    try {
      await this.#gone.run(gone.signal, enter);
    } finally {
      stream.off("close", hungUp);
    }
  }

  authenticate(credentials: Credentials): Promise<Principal> {
    return this.#access.authenticate({ ...credentials, gone: this.#gone.getStore() });
  }

  renew(principal: Principal): Principal | undefined {
    return this.#access.renew(principal);
  }

  onChange(listener: () => void): () => void {
    return this.#access.onChange(listener);
  }
}
