/** `users:` of the access file: each name with the argon2id hash of its password. */
import { isTributaryError } from "../../base/errors.ts";
import { isMisleading } from "../misleading.ts";
import { type PasswordHash, parsePhc } from "../passwords/phc.ts";
import { ANONYMOUS } from "../rules.ts";
import type { YamlPart } from "./yaml-part.ts";

export interface StoredPassword {
  /** As it stands in the file: another text is another password. */
  readonly text: string;
  readonly hash: PasswordHash;
}

const USERS_MAX = 10_000;
const NAME_LENGTH_MAX = 128;

/** What is wrong with a user's name, as a phrase; undefined where nothing is. */
export function userNameComplaint(name: string): string | undefined {
  if (name === ANONYMOUS) return "must not be anonymous, which stands for who shows no password";
  // A name stands in topics by ${user}, and beside globs in rules.
  if (name.length > NAME_LENGTH_MAX || !/^[^$\s\p{Cc}*?+#/][^\p{Cc}*?+#/]*$/u.test(name)) {
    return `must be 1 to ${NAME_LENGTH_MAX} characters without * ? + # /, and not begin with $`;
  }
  if (isMisleading(name)) return "must be composed (Unicode NFC), without characters nobody sees";
  return undefined;
}

/** @throws CONFIG_INVALID */
export function readUsers(part: YamlPart | undefined): ReadonlyMap<string, StoredPassword> {
  const users = new Map<string, StoredPassword>();
  for (const [name, hash] of part?.entries(USERS_MAX) ?? []) {
    const complaint = userNameComplaint(name);
    if (complaint !== undefined) throw hash.complaint(`is no user's name: it ${complaint}`);
    users.set(name, readHash(hash));
  }
  return users;
}

function readHash(part: YamlPart): StoredPassword {
  const text = part.text();
  try {
    return { text, hash: parsePhc(text) };
  } catch (error) {
    if (isTributaryError(error)) throw part.complaint(error.message);
    throw error;
  }
}
