/**
 * A password's hash as a text, in the PHC string format, of which only argon2id is taken:
 *
 *     $argon2id$v=19$m=19456,t=2,p=1$<salt, base64>$<hash, base64>
 *
 * m is in KiB, t counts passes, p lanes; base64 is without padding. Every part is bounded, so that a
 * hash cannot make a check take all of the memory.
 * Source: the PHC string format specification, and RFC 9106 for the parameters.
 */
import { TributaryError } from "../../base/errors.ts";

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface PasswordHash extends Argon2Cost {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** What OWASP asks of argon2id at least: 19 MiB, 2 passes, one lane. It fits a Raspberry Pi. */
export const DEFAULT_COST: Argon2Cost = { memoryKib: 19_456, passes: 2, lanes: 1 };

const FORM =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const MEMORY_KIB_MAX = 262_144;
const PASSES_MAX = 16;
const LANES_MAX = 8;
const SALT_BYTES = { min: 8, max: 64 };
const HASH_BYTES = { min: 16, max: 64 };

/** @throws CONFIG_INVALID saying what a hash must be; the text is not repeated */
export function parsePhc(text: string): PasswordHash {
  const [, memoryText, passesText, lanesText, saltText = "", hashText = ""] = FORM.exec(text) ?? [];
  if (memoryText === undefined) {
    throw invalid("must be an argon2id hash, as `tributary users add` writes it");
  }
  const memoryKib = Number(memoryText);
  const passes = Number(passesText);
  const lanes = Number(lanesText);
  if (lanes < 1 || lanes > LANES_MAX) throw invalid(`must have p from 1 to ${LANES_MAX}`);
  if (passes < 1 || passes > PASSES_MAX) throw invalid(`must have t from 1 to ${PASSES_MAX}`);
  if (memoryKib < 8 * lanes || memoryKib > MEMORY_KIB_MAX) {
    throw invalid(`must have m from 8 for each lane to ${MEMORY_KIB_MAX} (KiB)`);
  }
  const salt = bytes(saltText, SALT_BYTES, "salt");
  const hash = bytes(hashText, HASH_BYTES, "hash");
  return { memoryKib, passes, lanes, salt, hash };
}

export function showPhc({ memoryKib, passes, lanes, salt, hash }: PasswordHash): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

function bytes(text: string, { min, max }: { min: number; max: number }, what: string): Buffer {
  const decoded = Buffer.from(text, "base64");
  if (base64(decoded) === text && decoded.length >= min && decoded.length <= max) return decoded;
  throw invalid(`must have a ${what} of ${min} to ${max} bytes in base64`);
}

function base64(value: Buffer): string {
  return value.toString("base64").replaceAll("=", "");
}

function invalid(complaint: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", complaint);
}
