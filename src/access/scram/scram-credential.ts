/**
 * What is kept of a password for a client that proves it without sending it, as a text in the form
 * that PostgreSQL has made common (after RFC 5803):
 *
 *     SCRAM-SHA-256$<iterations>:<salt, base64>$<StoredKey, base64>:<ServerKey, base64>
 *
 * Guessing a password against it costs an attacker who has the file far less than against argon2id,
 * as PBKDF2 takes no memory; so it stands there only for users who are to log in so.
 * Sources: RFC 5802, section 3; RFC 7677.
 */
import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { TributaryError } from "../../base/errors.ts";

const HASHES = {
  "SCRAM-SHA-256": { name: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { name: "sha512", bytes: 64 },
} as const;

export type ScramMechanism = keyof typeof HASHES;

export const SCRAM_MECHANISMS = Object.keys(HASHES) as readonly ScramMechanism[];

export interface ScramCredential {
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** As many as Kafka's own tools take; each login costs the client so many, and the gateway none. */
export const DEFAULT_ITERATIONS = 16_384;
/** The least of RFC 7677, which clients insist on. */
const ITERATIONS = { min: 4_096, max: 1_000_000 };
const SALT_BYTES = { default: 16, min: 8, max: 64 };
/** What Kafka's tools send: Kafka takes salts of any length, and some clients make short ones. */
export const SALT_BYTES_OF_TOOLS = { min: 1, max: 64 };

const FORM =
  /^(SCRAM-SHA-(?:256|512))\$(\d{1,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

const derive = promisify(pbkdf2);

/** A password's bytes are taken as they are, as Kafka and its clients do: without SASLprep. */
export async function deriveScram(
  mechanism: ScramMechanism,
  password: string | Buffer,
  iterations = DEFAULT_ITERATIONS,
  salt: Buffer = randomBytes(SALT_BYTES.default),
): Promise<ScramCredential> {
  const { name, bytes } = HASHES[mechanism];
  const salted = await derive(password, salt, iterations, bytes, name);
  return scramOfSalted({ mechanism, iterations, salt }, salted);
}

/** What is kept of a password that whoever knows it has salted: `bytes` of the mechanism long. */
export function scramOfSalted(
  { mechanism, iterations, salt }: Pick<ScramCredential, "mechanism" | "iterations" | "salt">,
  salted: Buffer,
): ScramCredential {
  const storedKey = hashOf(mechanism, hmac(mechanism, salted, "Client Key"));
  return {
    mechanism,
    iterations,
    salt,
    storedKey,
    serverKey: hmac(mechanism, salted, "Server Key"),
  };
}

/** @throws CONFIG_INVALID saying what it must be; the text is not repeated */
export function parseScram(
  text: string,
  saltBytes: { readonly min: number; readonly max: number } = SALT_BYTES,
): ScramCredential {
  const [, mechanism, count, salt = "", storedKey = "", serverKey = ""] = FORM.exec(text) ?? [];
  if (mechanism === undefined || !isScram(mechanism)) {
    throw invalid("must be a SCRAM credential, as `tributary users add --scram` writes it");
  }
  const iterations = Number(count);
  if (iterations < ITERATIONS.min || iterations > ITERATIONS.max) {
    throw invalid(`must have ${ITERATIONS.min} to ${ITERATIONS.max} iterations`);
  }
  const { bytes } = HASHES[mechanism];
  return {
    mechanism,
    iterations,
    salt: decoded(salt, saltBytes, "salt"),
    storedKey: decoded(storedKey, { min: bytes, max: bytes }, "StoredKey"),
    serverKey: decoded(serverKey, { min: bytes, max: bytes }, "ServerKey"),
  };
}

export function showScram(credential: ScramCredential): string {
  const { mechanism, iterations } = credential;
  const [salt, storedKey, serverKey] = [
    credential.salt,
    credential.storedKey,
    credential.serverKey,
  ].map((bytes) => bytes.toString("base64"));
  return `${mechanism}$${iterations}:${salt}$${storedKey}:${serverKey}`;
}

/** How long a salted password is, in bytes. */
export function saltedBytes(mechanism: ScramMechanism): number {
  return HASHES[mechanism].bytes;
}

export function isScram(mechanism: string): mechanism is ScramMechanism {
  return Object.hasOwn(HASHES, mechanism);
}

export function hmac(mechanism: ScramMechanism, key: Buffer, message: string): Buffer {
  return createHmac(HASHES[mechanism].name, key).update(message).digest();
}

export function hashOf(mechanism: ScramMechanism, message: Buffer): Buffer {
  return createHash(HASHES[mechanism].name).update(message).digest();
}

function decoded(text: string, { min, max }: { min: number; max: number }, what: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") === text && bytes.length >= min && bytes.length <= max) return bytes;
  const length = min === max ? `${min}` : `${min} to ${max}`;
  throw invalid(`must have a ${what} of ${length} bytes in base64`);
}

function invalid(complaint: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", complaint);
}
