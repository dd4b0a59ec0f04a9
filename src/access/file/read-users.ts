/**
 * `users:` of the access file: each name with the argon2id hash of its password, and where that user
 * is to log in by SCRAM, with what that is held against.
 */
import { isTributaryError } from "../../base/errors.ts";
import { isMisleading } from "../misleading.ts";
import { type PasswordHash, parsePhc } from "../passwords/phc.ts";
import { isAnonymousName } from "../rules.ts";
import {
  parseScram,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from "../scram/scram-credential.ts";
import type { YamlPart } from "./yaml-part.ts";

export interface StoredPassword {
  /** As it stands in the file: another text is another password. */
  readonly text: string;
  readonly hash: PasswordHash;
  readonly scram: ReadonlyMap<ScramMechanism, ScramCredential>;
}

const NO_SCRAM: StoredPassword["scram"] = new Map();

const USERS_MAX = 10_000;
const NAME_LENGTH_MAX = 128;

/** What is wrong with a user's name, as a phrase; undefined where nothing is. */
export function userNameComplaint(name: string): string | undefined {
  if (isAnonymousName(name))
    return "must not be anonymous or ANONYMOUS, which stands for who shows no password";
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
    users.set(name, readPassword(hash));
  }
  return users;
}

function readPassword(part: YamlPart): StoredPassword {
  if (typeof part.value === "string") {
    return { text: part.text(), hash: read(part, parsePhc), scram: NO_SCRAM };
  }
  const { password, scram } = part.fields(["password", "scram"]);
  if (password === undefined) throw part.complaint("must have a password");
  const credentials = new Map<ScramMechanism, ScramCredential>();
  const texts = [password.text()];
  for (const item of scram?.items(SCRAM_MECHANISMS.length) ?? []) {
    const credential = read(item, parseScram);
    if (credentials.has(credential.mechanism)) throw item.complaint("is the second of its kind");
    credentials.set(credential.mechanism, credential);
    texts.push(item.text());
  }
  return { text: texts.join(" "), hash: read(password, parsePhc), scram: credentials };
}

function read<T>(part: YamlPart, parse: (text: string) => T): T {
  try {
    return parse(part.text());
  } catch (error) {
    if (isTributaryError(error)) throw part.complaint(error.message);
    throw error;
  }
}
