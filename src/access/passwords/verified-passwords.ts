/**
 * Passwords that were right lately, so that a fleet which comes back after an outage does not wait
 * for an argon2 check each. Kept is an HMAC of user, stored hash and password under a key of this
 * process that is never written down; a look-up tells nothing by its time to who lacks the key.
 */
import { createHmac, randomBytes } from "node:crypto";

const VERIFIED_MAX = 16_384;

export class VerifiedPasswords {
  readonly #entriesMax: number;
  readonly #key = randomBytes(32);
  /** Oldest first. */
  readonly #tags = new Set<string>();

  constructor(entriesMax: number = VERIFIED_MAX) {
    this.#entriesMax = entriesMax;
  }

  /** What stands for these three; the stored hash is in it, so that a new one ends the old. */
  tag(user: string, storedHash: string, password: Buffer): string {
    const hmac = createHmac("sha256", this.#key);
    for (const part of [Buffer.from(user), Buffer.from(storedHash), password]) {
      hmac.update(`${part.length}:`).update(part);
    }
    return hmac.digest("base64");
  }

  has(tag: string): boolean {
    if (!this.#tags.delete(tag)) return false;
    this.#tags.add(tag);
    return true;
  }

  add(tag: string): void {
    this.#tags.add(tag);
    if (this.#tags.size <= this.#entriesMax) return;
    const [oldest] = this.#tags;
    if (oldest !== undefined) this.#tags.delete(oldest);
  }
}
