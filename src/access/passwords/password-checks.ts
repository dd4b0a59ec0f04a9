/**
 * Whether a password is a user's. A user that is not known costs the same time as one that is, so
 * that nobody finds out names; a password that was right lately costs next to nothing.
 */
import type { StoredPassword } from "../file/read-users.ts";
import { verifyPassword } from "./argon2.ts";
import { type CheckLimits, CheckQueue, hungUp } from "./check-queue.ts";
import { DEFAULT_COST, type PasswordHash } from "./phc.ts";
import { SharedCheck } from "./shared-check.ts";
import { VerifiedPasswords } from "./verified-passwords.ts";

export type Users = ReadonlyMap<string, StoredPassword>;

export interface Attempt {
  /** Whose turn in the queue it takes. */
  readonly address: string;
  readonly user: string;
  readonly password: Buffer;
  /** The client hangs up: its password need not be checked any more. */
  readonly gone?: AbortSignal | undefined;
}

const PASSWORD_BYTES_MAX = 1024;

export class PasswordChecks {
  readonly #queue: CheckQueue;
  /** By tag: the same question asked again while it is looked into waits for the same answer. */
  readonly #asked = new Map<string, SharedCheck>();
  #verified = new VerifiedPasswords();

  constructor(limits?: CheckLimits) {
    this.#queue = new CheckQueue(limits);
  }

  get waitingCount(): number {
    return this.#queue.waitingCount;
  }

  /** Passwords that were right before are looked into again. */
  forget(): void {
    this.#verified = new VerifiedPasswords();
  }

  /**
   * The stored password where it is the right one.
   * @throws LIMIT_EXCEEDED where too many wait; ACCESS_DENIED where the client hangs up
   */
  async check(attempt: Attempt, users: Users): Promise<StoredPassword | undefined> {
    const { user, password, gone } = attempt;
    if (gone?.aborted === true) throw hungUp();
    if (password.length > PASSWORD_BYTES_MAX) return undefined;
    const stored = users.get(user);
    const verified = this.#verified;
    const tag = verified.tag(user, stored?.text ?? "", password);
    if (stored !== undefined && verified.has(tag)) return stored;
    const right = await this.#ask(tag, attempt, stored?.hash ?? standIn(users));
    if (!right || stored === undefined) return undefined;
    verified.add(tag);
    return stored;
  }

  #ask(tag: string, attempt: Attempt, hash: PasswordHash): Promise<boolean> {
    const asked = this.#asked.get(tag) ?? this.#begin(tag, attempt, hash);
    return asked.join(attempt.gone);
  }

  #begin(tag: string, { address, password }: Attempt, hash: PasswordHash): SharedCheck {
    // A copy, since what came in may be a slice of a whole read of a socket, and this may wait.
    const own = Buffer.from(password);
    const forget = () => {
      if (this.#asked.get(tag) === check) this.#asked.delete(tag);
    };
    const check = new SharedCheck(async (gone) => {
      try {
        return await this.#queue.run(address, () => verifyPassword(own, hash), gone);
      } finally {
        forget();
      }
    }, forget);
    this.#asked.set(tag, check);
    return check;
  }
}

const NO_PASSWORD = { salt: Buffer.alloc(16), hash: Buffer.alloc(32) };

/** What an unknown user's password is held against: as costly as the first user's. */
function standIn(users: Users): PasswordHash {
  const [first] = users.values();
  return { ...(first?.hash ?? DEFAULT_COST), ...NO_PASSWORD };
}
