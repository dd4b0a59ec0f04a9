/**
 * argon2id, computed off the main thread. Each computation takes its cost in memory (19 MiB by
 * default), so whoever calls this for strangers keeps count: see check-queue.ts.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { messageOf, TributaryError } from "../../base/errors.ts";
import { type Argon2Cost, DEFAULT_COST, type PasswordHash } from "./phc.ts";

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const compute = promisify(argon2);

export async function hashPassword(
  password: string | Buffer,
  cost: Argon2Cost = DEFAULT_COST,
): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  return { ...cost, salt, hash: await derive(password, cost, salt, HASH_BYTES) };
}

export async function verifyPassword(
  password: string | Buffer,
  stored: PasswordHash,
): Promise<boolean> {
  const hash = await derive(password, stored, stored.salt, stored.hash.length);
  return timingSafeEqual(hash, stored.hash);
}

async function derive(
  message: string | Buffer,
  { memoryKib, passes, lanes }: Argon2Cost,
  nonce: Buffer,
  tagLength: number,
): Promise<Buffer> {
  const parameters = { message, nonce, tagLength, memory: memoryKib, passes, parallelism: lanes };
  try {
    return await compute("argon2id", parameters);
  } catch (error) {
    // Most likely there was no memory for it: a client's wish to log in must not end the process.
    const message = `No password can be checked now: ${messageOf(error)}.`;
    throw new TributaryError("LIMIT_EXCEEDED", message, { cause: error });
  }
}
