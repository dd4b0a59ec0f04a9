/**
 * Who left a will, and what that client may do by the time it is published: its rights may have been
 * taken away since, by a reload of the access rules or by a change of them while the gateway was down.
 */
import type { Access, Principal } from "../../src/access/contract.ts";

/** Access that knows a principal again after a restart. */
export interface RecallingAccess extends Access {
  /** What is to be kept of a principal; no secret is in it. Undefined: it cannot be recalled. */
  remember(principal: Principal): string | undefined;
  /** The principal by the rules of now; undefined where it may not be here any more. */
  recall(remembered: string): Principal | undefined;
}

export interface WillAuthor {
  /** What is kept of it on disk. */
  readonly remembered: string | undefined;
  /** Asked when the will is due. */
  mayPublish(clientId: string, topic: string): boolean;
}

export class WillAuthors {
  readonly #access: Access & Partial<RecallingAccess>;

  constructor(access: Access & Partial<RecallingAccess>) {
    this.#access = access;
  }

  /** Of a client that connects. */
  of(principal: Principal): WillAuthor {
    const access = this.#access;
    return {
      remembered: access.remember?.(principal),
      mayPublish: (clientId, topic) =>
        access.renew(principal)?.mayPublish(clientId, topic) ?? false,
    };
  }

  /**
   * Of a client of the time before a restart, by what was kept of it. Access that remembers nobody
   * (it may be an embedder's) has let it in, and cannot be asked again.
   */
  recalled(remembered: string | undefined): WillAuthor {
    const access = this.#access;
    if (remembered === undefined || access.recall === undefined) {
      return { remembered, mayPublish: () => true };
    }
    return {
      remembered,
      mayPublish: (clientId, topic) =>
        access.recall?.(remembered)?.mayPublish(clientId, topic) ?? false,
    };
  }
}
