/**
 * Who may do what on this gateway, the same for every protocol: a client shows credentials and
 * becomes a principal; a principal is asked for each topic. What implements it stands beside it.
 */
import type { PeerCertificate } from "../base/peer-certificate.ts";
import type { ScramMechanism } from "./scram/scram-credential.ts";
import type { ScramUsers } from "./scram/scram-users.ts";

/** What a client shows when it connects. Never logged. */
export interface Credentials {
  /** The listener it came by, by name. */
  readonly listener: string;
  readonly remoteAddress: string;
  /** It came over the loopback interface, not through a proxy. */
  readonly loopback: boolean;
  readonly clientId: string;
  readonly username: string | undefined;
  /** Bytes of its own, not a slice of what a socket gave: a check may wait, and it with it. */
  readonly password: Buffer | undefined;
  /** The subject of a client certificate that TLS has verified. */
  readonly certificate: PeerCertificate | undefined;
  /** Aborted when the client hangs up: what is still to be looked into for it need not be. */
  readonly gone?: AbortSignal | undefined;
}

/** Somebody who has been let in. */
export interface Principal {
  /** `anonymous`, or the user's name: what ACLs, quotas and the logs call them. */
  readonly name: string;
  /** When a token runs out: the connection must end then. Undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Whether it may do over Kafka only what an ACL allows. */
  readonly heldToAcls: boolean;
  /** May this client publish to this topic? Cheap; ask again when {@link Access.version} moves. */
  mayPublish(clientId: string, topic: string): boolean;
  /** May it subscribe to this filter (without its `$share/<group>/`)? */
  maySubscribe(clientId: string, filter: string): boolean;
}

/** A login by SCRAM (RFC 5802): two messages of the client, each with its answer. */
export interface ScramLogin {
  /** @throws ACCESS_DENIED where it is no first message; not for a name that is unknown */
  challenge(clientFirst: Buffer): Buffer;
  /** @throws ACCESS_DENIED where the password is not proven */
  finish(clientFinal: Buffer): { readonly principal: Principal; readonly answer: Buffer };
}

export interface Access {
  /** Counts up whenever an answer that was given before may be another one now. */
  readonly version: number;
  /** Whether Kafka's ACLs are in force. */
  readonly acls: boolean;

  /**
   * Lets a client in.
   * @throws ACCESS_DENIED where the credentials are wrong or missing (why is in the error's cause,
   * where there is more to say than the client may know), LIMIT_EXCEEDED where too many wait
   */
  authenticate(credentials: Credentials): Promise<Principal>;

  /** Begins a login of a client that proves its password and does not send it. */
  beginScram(mechanism: ScramMechanism, listener: string): ScramLogin;

  /** Users beside those that `access` reads by itself. */
  readonly scramUsers: ScramUsers;

  /**
   * Whether a client would be let in that shows only this: no name, no password. Answers at once,
   * and counts nothing.
   */
  letsIn(shown: Pick<Credentials, "loopback" | "certificate">): boolean;

  /**
   * The principal again after the rules have changed; undefined where it may not be here any more
   * (a user removed, a password changed, anonymous clients no longer let in).
   */
  renew(principal: Principal): Principal | undefined;

  /**
   * What is to be kept of a principal, to ask for it again after a restart; no secret is in it.
   * Undefined: it cannot be recalled.
   */
  remember(principal: Principal): string | undefined;

  /** The principal by the rules of now; undefined where it may not be here any more. */
  recall(remembered: string): Principal | undefined;

  /** Calls `listener` after the rules were loaded again, and changed. */
  onChange(listener: () => void): () => void;
}
