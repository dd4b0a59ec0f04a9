/**
 * The keys that tokens are verified with. A key's own type says which algorithms it may verify, so
 * that nobody can present a public key as an HMAC secret.
 * Sources: RFC 7518 (JWA) section 3, RFC 7517 (JWK), RFC 8037 (Ed25519).
 */
import {
  createHash,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { JwtSettings } from "../file/read-jwt.ts";

export interface TokenKey {
  /** What is the same wherever the same key is used in the same way. */
  readonly fingerprint: string;
  /** Its name in a token's header, where the JWKS gives it one. */
  readonly kid: string | undefined;
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

const FILE_BYTES_MAX = 256 * 1024;
const KEYS_MAX = 64;
const SECRET_BYTES_MIN = 32;
const RSA_BITS_MIN = 2048;
const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};
const EDWARDS = ["EdDSA", "Ed25519"];
/** What a JWKS calls the curves above, and the one beside them. */
const NAMED_CURVES: ReadonlySet<string> = new Set(["P-256", "P-384", "P-521", "Ed25519"]);
const ALGORITHMS: ReadonlySet<unknown> = new Set([...RSA, ...Object.values(CURVES), ...EDWARDS]);
const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** @throws CONFIG_INVALID naming the file */
export function loadTokenKeys({ keyFiles, secretFile }: JwtSettings): readonly TokenKey[] {
  const keys = keyFiles.flatMap((file) => readKeys(file, "jwt.keys", publicKeysOf));
  if (secretFile !== undefined) keys.push(...readKeys(secretFile, "jwt.secretFile", secretOf));
  if (keys.length <= KEYS_MAX) return keys;
  throw new TributaryError("CONFIG_INVALID", `jwt.keys: must be at most ${KEYS_MAX} keys in all.`);
}

function readKeys(file: string, at: string, keysOf: (bytes: Buffer) => TokenKey[]): TokenKey[] {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`);
    const keys = keysOf(bytes);
    if (keys.length === 0) throw new Error("it holds no key to verify signatures with");
    return keys;
  } catch (error) {
    const message = `${at}: ${file} cannot be used: ${messageOf(error)}.`;
    throw new TributaryError("CONFIG_INVALID", message, { cause: error });
  }
}

function publicKeysOf(bytes: Buffer): TokenKey[] {
  const text = bytes.toString("utf8");
  if (text.trimStart().startsWith("{")) return jwksKeysOf(text);
  return [...text.matchAll(PEM_BLOCK)].map(([block, label]) => {
    if (label?.includes("PRIVATE")) throw new Error("it holds a private key: give its public key");
    return tokenKey(createPublicKey(block), undefined, undefined);
  });
}

/**
 * Of a set only what can verify signatures is taken: issuers put keys for other uses beside them,
 * and types that did not exist when this was written (RFC 7517, section 5).
 */
function jwksKeysOf(text: string): TokenKey[] {
  const parsed = parseJson(text) as { keys?: unknown };
  const isSet = Array.isArray(parsed.keys);
  const jwks = (isSet ? parsed.keys : [parsed]) as readonly (JsonWebKey | null)[];
  return jwks.flatMap((jwk) => {
    if (typeof jwk !== "object" || jwk === null) throw new Error("it holds what is no key");
    if (jwk.kty === "oct" || jwk.d !== undefined) throw new Error("it must hold public keys only");
    if (jwk["use"] !== undefined && jwk["use"] !== "sig") return [];
    return isSet && !isUsable(jwk) ? [] : [keyOfJwk(jwk)];
  });
}

function keyOfJwk(jwk: JsonWebKey): TokenKey {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return tokenKey(key, text(jwk["kid"]), text(jwk["alg"]));
}

/** A short key is not passed over: its issuer's tokens would be refused, and nobody knew why. */
function isUsable(jwk: JsonWebKey): boolean {
  if (jwk["alg"] !== undefined && !ALGORITHMS.has(jwk["alg"])) return false;
  if (jwk.kty === "RSA") return true;
  return typeof jwk.crv === "string" && NAMED_CURVES.has(jwk.crv);
}

/** JSON.parse repeats the text in its complaint, and the text may be a secret astray. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not valid JSON");
  }
}

function secretOf(bytes: Buffer): TokenKey[] {
  const secret = Buffer.from(bytes.toString("latin1").replace(/[\r\n]+$/, ""), "latin1");
  if (secret.length < SECRET_BYTES_MIN) {
    throw new Error(`a secret for HS256 has at least ${SECRET_BYTES_MIN} bytes`);
  }
  return [tokenKey(createSecretKey(secret), undefined, undefined)];
}

function tokenKey(key: KeyObject, kid: string | undefined, only: string | undefined): TokenKey {
  const algorithms = algorithmsOf(key).filter((name) => only === undefined || name === only);
  if (algorithms.length === 0) throw new Error("it holds a key of a type that is not supported");
  const material =
    key.type === "secret" ? key.export() : key.export({ type: "spki", format: "der" });
  const use = JSON.stringify([key.type, kid, algorithms]);
  const fingerprint = createHash("sha256").update(use).update(material).digest("base64");
  return { fingerprint, kid, algorithms, key };
}

function algorithmsOf(key: KeyObject): readonly string[] {
  if (key.type === "secret") return ["HS256"];
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      if (modulusLength >= RSA_BITS_MIN) return RSA;
      throw new Error(`an RSA key has at least ${RSA_BITS_MIN} bits`);
    case "rsa-pss":
      // jose takes none, whose parameters (RFC 4055) might not be those of the algorithm.
      throw new Error("a key for RSA-PSS alone is not taken: give a plain RSA key, for PS256 too");
    case "ec":
      return Object.hasOwn(CURVES, namedCurve) ? [CURVES[namedCurve] as string] : [];
    case "ed25519":
      return EDWARDS;
    default:
      return [];
  }
}
