/**
 * Who left a will, and what that client may do by the time it is published: its rights may have been
 * taken away since, by a reload of the access rules or by a change of them while the gateway was down.
 */
import type { Access, Principal } from "../../src/access/contract.ts";

export interface WillAuthor {
  /** What is kept of it on disk. */
  readonly remembered: string | undefined;
  /** Asked when the will is due. */
  mayPublish(clientId: string, topic: string): boolean;
}

export class WillAuthors {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** Of a client that connects. */
  of(principal: Principal): WillAuthor {
    const access = this.#access;
    return {
      remembered: access.remember(principal),
      mayPublish: (clientId, topic) =>
        access.renew(principal)?.mayPublish(clientId, topic) ?? false,
    };
  }

  /**
   * Of a client of the time before a restart, by what was kept of it. Where that is nothing, access
   * remembers nobody: it has let the client in, and cannot be asked again.
   */
  recalled(remembered: string | undefined): WillAuthor {
    const access = this.#access;
    if (remembered === undefined) {
      return { remembered, mayPublish: () => true };
    }
    return {
      remembered,
      mayPublish: (clientId, topic) =>
        access.recall(remembered)?.mayPublish(clientId, topic) ?? false,
    };
  }
}
