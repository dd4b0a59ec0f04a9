/**
 * Applies changed access rules to clients that are connected: who may not be here any more is sent
 * away, the others keep what they still may, and lose subscriptions that they may not have.
 */
import type { Access } from "../../src/access/contract.ts";
import type { Connection } from "../connection/connection.ts";
import { partsOf } from "../delivery/subscription.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import type { Session } from "./session.ts";
import type { SessionDirectory } from "./session-directory.ts";

export interface RightsParts {
  readonly access: Access;
  readonly directory: SessionDirectory;
}

type Client = Pick<Connection, "clientId" | "principal" | "refused">;

export class Rights {
  readonly #parts: RightsParts;
  #unfollow = () => {};

  constructor(parts: RightsParts) {
    this.#parts = parts;
  }

  /** From here on a change is applied at once. */
  follow(connections: () => Iterable<Connection>): void {
    this.#unfollow = this.#parts.access.onChange(() => {
      for (const connection of [...connections()]) this.#renew(connection);
    });
  }

  close(): void {
    this.#unfollow();
  }

  /** Takes from a session the subscriptions that its client may not have. Resolves when on disk. */
  async recheck(session: Session, client: Client): Promise<void> {
    const { clientId, principal } = client;
    const taken: string[] = [];
    for (const text of [...session.subscriptions.keys()]) {
      const { filter } = partsOf(text);
      if (principal.maySubscribe(clientId, filter)) continue;
      this.#parts.directory.unsubscribe(session, text);
      taken.push(text);
      const message = `${principal.name} may not subscribe to "${filter}" any more.`;
      client.refused(new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message));
    }
    if (taken.length > 0) await this.#parts.directory.save(session, taken);
  }

  #renew(connection: Connection): void {
    const { session } = connection;
    const renewed = this.#parts.access.renew(connection.principal);
    if (renewed === undefined) {
      const message = `${connection.principal.name} may not be here any more.`;
      connection.fail(new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message));
      return;
    }
    connection.principal = renewed;
    if (session === undefined) return;
    this.recheck(session, connection).catch((error: unknown) => connection.fail(error));
  }
}
