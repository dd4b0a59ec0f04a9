/**
 * JSON Web Tokens (RFC 7519) in place of a password: signed by a key of the access file, for us, and
 * not run out. Verified by jose, which is only loaded where tokens are configured.
 */
import { createHash } from "node:crypto";
import type { JWTVerifyOptions, JWTVerifyResult } from "jose";
import type { Clock } from "../../base/clock.ts";
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { JwtSettings } from "../file/read-jwt.ts";
import { listsOf, type TokenGrant, userOf } from "./token-grant.ts";
import { loadTokenKeys, type TokenKey } from "./token-keys.ts";

type Jose = typeof import("jose");

const TOKEN_BYTES_MAX = 8192;
/** Keys of one type without names are tried in turn, so many at most. */
const TRIES_MAX = 8;
const SIGNATURE_WRONG = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";

/** Whether a password has the shape of a token. A password of a user has no business to. */
export function looksLikeToken(password: Buffer): boolean {
  if (password.length > TOKEN_BYTES_MAX) return false;
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(password.toString("latin1"));
}

export class TokenChecks {
  readonly #settings: JwtSettings;
  /** Each key, and what stands for a token having been judged by it under these settings. */
  readonly #keys: ReadonlyMap<TokenKey, string>;
  readonly #jose: Jose;
  readonly #clock: Clock;

  private constructor(settings: JwtSettings, jose: Jose, clock: Clock) {
    this.#settings = settings;
    this.#jose = jose;
    this.#clock = clock;
    const { keyFiles: _, secretFile: __, ...asked } = settings;
    const judgement = ({ fingerprint }: TokenKey) =>
      createHash("sha256")
        .update(JSON.stringify([asked, fingerprint]))
        .digest("base64");
    this.#keys = new Map(loadTokenKeys(settings).map((key) => [key, judgement(key)]));
  }

  /** Moves where a token might be judged otherwise. */
  get fingerprint(): string {
    return [...this.#keys.values()].join();
  }

  /** Whether a token that was found good before would be so again, but for the time. */
  stillTakes({ judgedBy }: TokenGrant): boolean {
    return [...this.#keys.values()].includes(judgedBy);
  }

  /** @throws CONFIG_INVALID where a key file cannot be used */
  static async load(settings: JwtSettings, clock: Clock): Promise<TokenChecks> {
    return new TokenChecks(settings, await import("jose"), clock);
  }

  /** @throws ACCESS_DENIED; why is in its cause, for the log, not for the client */
  async check(token: string): Promise<TokenGrant> {
    try {
      return await this.#check(token);
    } catch (error) {
      // The cause is put into words here: jose's errors hold the claims.
      const cause = new Error(messageOf(error));
      throw new TributaryError("ACCESS_DENIED", "The token is not valid here.", { cause });
    }
  }

  async #check(token: string): Promise<TokenGrant> {
    const { clockSkewMs, userClaim } = this.#settings;
    const { payload, judgedBy } = await this.#verify(token);
    const user = userOf(payload, userClaim);
    const expiresAtMs = payload.exp === undefined ? undefined : payload.exp * 1000 + clockSkewMs;
    return { user, expiresAtMs, lists: listsOf(payload), judgedBy };
  }

  async #verify(token: string): Promise<JWTVerifyResult & { judgedBy: string }> {
    const { alg = "", kid } = this.#jose.decodeProtectedHeader(token);
    const able = [...this.#keys].filter(
      ([{ algorithms, kid: own }]) =>
        algorithms.includes(alg) && (kid === undefined || own === undefined || own === kid),
    );
    for (const [{ key }, judgedBy] of able.slice(0, TRIES_MAX)) {
      try {
        return { ...(await this.#jose.jwtVerify(token, key, this.#options(alg))), judgedBy };
      } catch (error) {
        if ((error as { code?: unknown }).code !== SIGNATURE_WRONG) throw error;
      }
    }
    throw new Error("no key of ours has signed it");
  }

  #options(alg: string): JWTVerifyOptions {
    const { issuers, audiences, expiry, clockSkewMs } = this.#settings;
    return {
      algorithms: [alg],
      clockTolerance: clockSkewMs / 1000,
      currentDate: new Date(this.#clock.nowMs()),
      requiredClaims: expiry === "required" ? ["exp"] : [],
      ...(issuers && { issuer: [...issuers] }),
      ...(audiences && { audience: [...audiences] }),
    };
  }
}
