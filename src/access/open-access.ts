/**
 * Who may do what, by the access file (docs/access.md), which may be read again at any time without
 * disturbing whom it still lets in. Without a file: whoever comes over loopback, or with a verified
 * certificate, may do everything, and nobody else anything.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { isTributaryError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricSample } from "../base/service.ts";
import { AccessFigures } from "./access-figures.ts";
import { admit, admitsUnnamed, denied, wayOf } from "./admission.ts";
import type { Access, Credentials, Principal, ScramLogin } from "./contract.ts";
import type { AnonymousPolicy } from "./file/access-file.ts";
import { type CheckLimits, CheckQueue, TOKEN_CHECK_LIMITS } from "./passwords/check-queue.ts";
import { PasswordChecks } from "./passwords/password-checks.ts";
import { loadPolicy, type Policy, stillHolds } from "./policy.ts";
import { GrantedPrincipal, type Proof } from "./principal.ts";
import { recalled, remembered } from "./remembered.ts";
import type { Subject } from "./rules.ts";
import { type ScramMechanism, showScram } from "./scram/scram-credential.ts";
import { scramOf } from "./scram/scram-decoy.ts";
import { ScramExchange } from "./scram/scram-exchange.ts";
import { KeptScramUsers } from "./scram/scram-users.ts";

const SERVER_NONCE_BYTES = 18;
const JUST_CHANGED = "The access rules have just changed: try again.";

export interface AccessOptions {
  /** The access file; undefined: there is none. */
  readonly file: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly checkLimits?: CheckLimits;
}

/** What the composition root holds of it. */
export interface AccessControl extends Access {
  /** Where clients may come from that show nothing, for the warnings of a start. */
  readonly anonymous: AnonymousPolicy;
  /** Reads the file again. Where it is broken the old rules stay, and the log says why. */
  reload(): Promise<void>;
  metrics(): readonly MetricSample[];
  /** Calls no listener any more. */
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION saying where in the file */
export async function openAccess(options: AccessOptions): Promise<AccessControl> {
  return new FileAccess(options, await loadPolicy(options.file, options.clock));
}

class FileAccess implements AccessControl {
  readonly #options: AccessOptions;
  readonly #passwords: PasswordChecks;
  readonly #tokens = new CheckQueue(TOKEN_CHECK_LIMITS);
  readonly #figures = new AccessFigures();
  readonly #listeners = new Set<() => void>();
  readonly scramUsers = new KeptScramUsers(
    () => this.#policy.users,
    () => this.#changed(),
  );
  #policy: Policy;
  #version = 1;
  /** The last reload that was asked for; the next waits for it. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: AccessOptions, policy: Policy) {
    this.#options = options;
    this.#passwords = new PasswordChecks(options.checkLimits);
    this.#policy = policy;
  }

  get version(): number {
    return this.#version;
  }

  get acls(): boolean {
    return this.#policy.kafka.acls;
  }

  get anonymous(): AnonymousPolicy {
    return this.#policy.anonymous;
  }

  async authenticate(credentials: Credentials): Promise<Principal> {
    const way = wayOf(credentials, this.#policy);
    try {
      const checks = { passwords: this.#passwords, tokens: this.#tokens };
      const { user, proof } = await admit(way, credentials, this.#policy, checks);
      // The rules may have changed while a password was looked into.
      const principal = this.#grant({ user, listener: credentials.listener }, proof);
      if (principal === undefined) throw denied(JUST_CHANGED);
      this.#figures.granted(way);
      return principal;
    } catch (error) {
      const busy = isTributaryError(error, "LIMIT_EXCEEDED");
      this.#figures.refused(credentials.gone?.aborted === true ? "gone" : busy ? "busy" : way);
      throw error;
    }
  }

  beginScram(mechanism: ScramMechanism, listener: string): ScramLogin {
    let proof: Proof | undefined;
    const exchange = new ScramExchange((user) => {
      proof = this.#scramProof(user, mechanism);
      return scramOf(this.scramUsers, mechanism, user);
    }, randomBytes(SERVER_NONCE_BYTES).toString("base64"));
    return {
      challenge: (message) => this.#refusing(() => exchange.challenge(message)),
      finish: (message) =>
        this.#refusing(() => {
          const { user, answer } = exchange.finish(message);
          // Only who is there has proven anything, by what was known of it then.
          const principal = proof && this.#grant({ user, listener }, proof);
          if (principal === undefined) throw denied(JUST_CHANGED);
          this.#figures.granted("password");
          return { principal, answer };
        }),
    };
  }

  /** What a login of `user` would prove now; undefined where there is no such user. */
  #scramProof(user: string, mechanism: ScramMechanism): Proof | undefined {
    const inFile = this.#policy.users.get(user);
    if (inFile !== undefined) return { by: "password", stored: inFile.text };
    const credential = this.scramUsers.get(user)?.get(mechanism);
    return credential && { by: "scram", mechanism, stored: showScram(credential) };
  }

  letsIn(shown: Pick<Credentials, "loopback" | "certificate">): boolean {
    return admitsUnnamed(shown, this.#policy);
  }

  renew(principal: Principal): Principal | undefined {
    if (!(principal instanceof GrantedPrincipal)) return undefined;
    return this.#grant(principal.subject, principal.proof);
  }

  remember(principal: Principal): string | undefined {
    return principal instanceof GrantedPrincipal ? remembered(principal) : undefined;
  }

  recall(text: string): Principal | undefined {
    const known = recalled(text, this.#policy);
    return known && this.#grant(known.subject, known.proof);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  metrics(): readonly MetricSample[] {
    const waiting = this.#passwords.waitingCount + this.#tokens.waitingCount;
    return this.#figures.samples(waiting, this.#policy.users.size);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#reloading;
  }

  #refusing<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      this.#figures.refused("password");
      throw error;
    }
  }

  #grant(subject: Subject, proof: Proof): Principal | undefined {
    const { rules, kafka } = this.#policy;
    if (!stillHolds(this.#policy, this.scramUsers, subject.user, proof)) return undefined;
    return new GrantedPrincipal(subject, proof, rules, kafka);
  }

  async #reload(): Promise<void> {
    const { file, logger, clock } = this.#options;
    if (file === undefined) {
      logger.info({}, "there is no access file to read again");
      return;
    }
    try {
      const policy = await loadPolicy(file, clock);
      const changed = policy.fingerprint !== this.#policy.fingerprint;
      this.#figures.reloaded(changed ? "changed" : "unchanged");
      logger.info({ file, changed }, "the access file was read again");
      if (changed) this.#put(policy);
    } catch (error) {
      if (!isTributaryError(error)) throw error;
      this.#figures.reloaded("failed");
      const fields = { file, error: messageOf(error) };
      logger.error(fields, "the access file is broken: the rules from before stay in force");
    }
  }

  #put(policy: Policy): void {
    this.#policy = policy;
    this.#passwords.forget();
    this.#changed();
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of [...this.#listeners]) listener();
  }
}
