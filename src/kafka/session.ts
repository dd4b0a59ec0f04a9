/**
 * Who is at the other end of one connection: the same principals as on MQTT. Owner of what has been
 * shown so far.
 *
 *     new --SaslHandshake--> asked --SaslAuthenticate--> in    (KIP-43, KIP-152)
 *     new --any other request--> in, by a certificate or by nothing, or refused
 *     in --SaslHandshake--> asked again                        (KIP-368)
 *     refused: {@link KafkaSession.failure} says why, and the connection ends
 *
 * Invariants: nobody is let in whom `access` does not let in; whoever is in stays as long as the
 * rules and its token let it, asked at each request; a second login is the same user's.
 */
import type { Access, Credentials, Principal, ScramLogin } from "../access/contract.ts";
import { isScram } from "../access/scram/scram-credential.ts";
import type { Clock } from "../base/clock.ts";
import { assert, TributaryError } from "../base/errors.ts";
import { KafkaRefusal } from "./kafka-refusal.ts";
import type { KafkaListenerSettings } from "./listeners/listener-config.ts";
import { type Mechanism, readClaim } from "./sasl/mechanisms.ts";

export interface SessionParts {
  readonly access: Access;
  /** What the listener says of logins. */
  readonly login: Pick<KafkaListenerSettings, "sasl" | "mechanisms">;
  readonly clock: Clock;
  /** What the connection shows of itself, without user and password. */
  readonly shown: Pick<
    Credentials,
    "listener" | "remoteAddress" | "loopback" | "certificate" | "gone"
  >;
}

/** What there is to say to a client's SASL message. */
export interface Proved {
  /** SASL's own answer. */
  readonly answer: Buffer;
  /** For how long it is let in, in milliseconds; 0: for as long as it likes, or not yet. */
  readonly lifetimeMs: number;
}

const NOTHING = Buffer.alloc(0);

export class KafkaSession {
  readonly #parts: SessionParts;
  #mechanism: Mechanism | undefined;
  /** Between its first message and its second. */
  #scram: ScramLogin | undefined;
  #principal: Principal | undefined;
  #entering: Promise<Principal> | undefined;
  #checking = false;
  #failure: unknown;
  /** Of {@link Access}, when the principal was asked for last. */
  #version = -1;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Those a client may log in by here; none where nobody can. */
  get mechanisms(): readonly Mechanism[] {
    const { sasl, mechanisms } = this.#parts.login;
    return sasl === "off" ? [] : mechanisms;
  }

  /** Whether it is let in, or would be without a login. */
  get welcome(): boolean {
    if (this.#principal !== undefined) return true;
    const { access, login, shown } = this.#parts;
    return login.sasl !== "required" && access.letsIn(shown);
  }

  /** The client's, once it is let in: for the log. */
  get name(): string | undefined {
    return this.#principal?.name;
  }

  /** A login is being looked into. */
  get checking(): boolean {
    return this.#checking;
  }

  /** Why a login was refused: the last thing that its connection answers. */
  get failure(): unknown {
    return this.#failure;
  }

  /** False where there is no such mechanism here. */
  ask(mechanism: string): boolean {
    this.#mechanism = this.mechanisms.find((known) => known === mechanism);
    this.#scram = undefined;
    return this.#mechanism !== undefined;
  }

  /**
   * Looks into a client's SASL message.
   * @throws ACCESS_DENIED, LIMIT_EXCEEDED; KafkaRefusal where nothing was asked for
   */
  async prove(message: Buffer, clientId: string | null): Promise<Proved> {
    this.#checking = true;
    try {
      return await this.#prove(message, clientId);
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#checking = false;
    }
  }

  async #prove(message: Buffer, clientId: string | null): Promise<Proved> {
    const mechanism = this.#mechanism;
    if (mechanism === undefined) {
      throw new KafkaRefusal(
        "ILLEGAL_SASL_STATE",
        "A SaslHandshake comes before SaslAuthenticate.",
      );
    }
    if (isScram(mechanism) && this.#scram === undefined) {
      const { access, shown } = this.#parts;
      this.#scram = access.beginScram(mechanism, shown.listener);
      return { answer: this.#scram.challenge(message), lifetimeMs: 0 };
    }
    const scram = this.#scram;
    this.#mechanism = undefined;
    this.#scram = undefined;
    if (isScram(mechanism)) {
      assert(scram !== undefined, "a SCRAM login has begun");
      const { principal, answer } = scram.finish(message);
      return { answer, lifetimeMs: this.#proven(principal) };
    }
    const principal = await this.#authenticate(readClaim(mechanism, message), clientId);
    return { answer: NOTHING, lifetimeMs: this.#proven(principal) };
  }

  #proven(principal: Principal): number {
    const before = this.#principal;
    if (before !== undefined && before.name !== principal.name) {
      throw new TributaryError("ACCESS_DENIED", "Another user may not take over this connection.");
    }
    this.#let(principal);
    const { expiresAtMs } = principal;
    return expiresAtMs === undefined ? 0 : Math.max(1, expiresAtMs - this.#parts.clock.nowMs());
  }

  /**
   * The client, for a request that needs to know it.
   * @throws ACCESS_DENIED where it is not let in, or no longer
   */
  enter(clientId: string | null): Principal | Promise<Principal> {
    const principal = this.#principal;
    if (principal !== undefined) return this.#still(principal);
    if (this.#parts.login.sasl === "required") {
      throw new TributaryError("ACCESS_DENIED", "A login by SASL is required at this listener.");
    }
    this.#entering ??= this.#authenticate(undefined, clientId).then((entered) => {
      // It may have logged in while that was looked into.
      if (this.#principal === undefined) this.#let(entered);
      return this.#principal ?? entered;
    });
    return this.#entering;
  }

  async #authenticate(
    claim: { readonly username: string | undefined; readonly password: Buffer } | undefined,
    clientId: string | null,
  ): Promise<Principal> {
    const { access, shown } = this.#parts;
    return await access.authenticate({
      ...shown,
      clientId: clientId ?? "",
      username: claim?.username,
      password: claim?.password,
    });
  }

  #let(principal: Principal): void {
    this.#principal = principal;
    this.#version = this.#parts.access.version;
  }

  #still(principal: Principal): Principal {
    const { access, clock } = this.#parts;
    if ((principal.expiresAtMs ?? Number.POSITIVE_INFINITY) <= clock.nowMs()) {
      throw new TributaryError("ACCESS_DENIED", "The client's token has run out.");
    }
    if (access.version === this.#version) return principal;
    const renewed = access.renew(principal);
    if (renewed === undefined) {
      throw new TributaryError("ACCESS_DENIED", "The access rules no longer let this client in.");
    }
    this.#let(renewed);
    return renewed;
  }
}
