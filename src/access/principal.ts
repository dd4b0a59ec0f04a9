/** Somebody who has been let in: what the rules say to it, and by what it was let in. */
import type { PeerCertificate } from "../base/peer-certificate.ts";
import type { Principal } from "./contract.ts";
import { type KafkaAccess, NO_ACLS } from "./file/read-kafka.ts";
import {
  type Action,
  ANONYMOUS,
  type Decision,
  decide,
  isUser,
  type Rule,
  rulesOfSubject,
  type Subject,
} from "./rules.ts";
import type { KeptCredential } from "./scram/scram-users.ts";
import type { TokenGrant } from "./tokens/token-grant.ts";
import { levelsOf } from "./topic-pattern.ts";

/** By what somebody was let in: it is looked into again whenever the access file changes. */
export type Proof =
  | { readonly by: "nothing"; readonly loopback: boolean }
  /** `stored`: the hash as it stood in the file then. */
  | { readonly by: "password"; readonly stored: string }
  /** A user that Kafka's tools have made; the credential as it was then. */
  | ({ readonly by: "scram" } & KeptCredential)
  | { readonly by: "certificate"; readonly certificate: PeerCertificate }
  | { readonly by: "token"; readonly grant: TokenGrant };

const EVERYTHING: Decision = { allowed: true, rule: undefined };

export class GrantedPrincipal implements Principal {
  readonly subject: Subject;
  readonly proof: Proof;
  /** Undefined: there are no rules, and everything is allowed. */
  readonly #rules: readonly Rule[] | undefined;
  readonly #kafka: KafkaAccess;

  constructor(
    subject: Subject,
    proof: Proof,
    rules: readonly Rule[] | undefined,
    kafka: KafkaAccess = NO_ACLS,
  ) {
    this.subject = subject;
    this.proof = proof;
    this.#kafka = kafka;
    this.#rules = rules && rulesOfSubject(rules, subject);
  }

  get name(): string {
    return this.subject.user ?? ANONYMOUS;
  }

  get expiresAtMs(): number | undefined {
    return this.#grant?.expiresAtMs;
  }

  get heldToAcls(): boolean {
    // A token that lists what it is for is for nothing else.
    if (this.#grant?.lists !== undefined) return true;
    const { acls, superUsers } = this.#kafka;
    return acls && !superUsers.some((wanted) => isUser(wanted, this.subject.user));
  }

  mayPublish(clientId: string, topic: string): boolean {
    return this.decide(clientId, "publish", topic).allowed;
  }

  maySubscribe(clientId: string, filter: string): boolean {
    return this.decide(clientId, "subscribe", filter).allowed;
  }

  /** The same with the rule that decided. */
  decide(clientId: string, action: Action, filter: string): Decision {
    const request = {
      action,
      filter: levelsOf(filter),
      user: this.subject.user,
      client: clientId,
    };
    const byRules = this.#rules ? decide(this.#rules, request) : EVERYTHING;
    const lists = this.#grant?.lists;
    if (lists === undefined) return byRules;
    // A token's own lists stand for the rules that allow; what a rule denies stays denied.
    const denied = !byRules.allowed && byRules.rule !== undefined;
    return denied ? byRules : decide(lists, request);
  }

  get #grant(): TokenGrant | undefined {
    return this.proof.by === "token" ? this.proof.grant : undefined;
  }
}
