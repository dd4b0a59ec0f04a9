/**
 * What a login is held against whose user is not there: a credential that nobody has, the same each
 * time for the same name, so that a stranger cannot tell which names there are.
 *
 * It comes from a key of the first user in the file (or, where nobody there logs in so, of those that
 * Kafka's tools have made), which is secret and outlives a restart; only when that user's password
 * changes do the salts of those who are not there change with it.
 */
import { createHmac, randomBytes } from "node:crypto";
import {
  DEFAULT_ITERATIONS,
  type ScramCredential,
  type ScramMechanism,
} from "./scram-credential.ts";

/** Where nobody logs in by SCRAM there is nobody to be told apart from. */
const NOBODY: Pick<ScramCredential, "iterations" | "salt" | "serverKey"> = {
  iterations: DEFAULT_ITERATIONS,
  salt: Buffer.alloc(16),
  serverKey: randomBytes(32),
};

/** What users log in by, by name and in a certain order. */
interface Users {
  get(user: string): ReadonlyMap<ScramMechanism, ScramCredential> | undefined;
  values(): Iterable<ReadonlyMap<ScramMechanism, ScramCredential>>;
}

/** What the login of `user` is held against. Costs the same whether there is such a user or not. */
export function scramOf(users: Users, mechanism: ScramMechanism, user: string): ScramCredential {
  const decoy = decoyFor(user, mechanism, firstOf(users, mechanism));
  return users.get(user)?.get(mechanism) ?? decoy;
}

function firstOf(users: Users, mechanism: ScramMechanism): ScramCredential | undefined {
  for (const scram of users.values()) {
    const first = scram.get(mechanism);
    if (first !== undefined) return first;
  }
  return undefined;
}

function decoyFor(
  user: string,
  mechanism: ScramMechanism,
  first: ScramCredential | undefined,
): ScramCredential {
  const { iterations, salt, serverKey } = first ?? NOBODY;
  const part = (name: string) =>
    createHmac("sha512", serverKey).update(`${mechanism} ${name} ${user}`).digest();
  const keyBytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
  return {
    mechanism,
    iterations,
    salt: part("salt").subarray(0, salt.length),
    storedKey: part("stored key").subarray(0, keyBytes),
    serverKey: part("server key").subarray(0, keyBytes),
  };
}
