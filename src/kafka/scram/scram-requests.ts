/**
 * What a request says of SCRAM credentials, and whether that is acceptable: as Kafka's controller
 * looks into it, before anything is changed. A password never comes: whoever sets one has salted it.
 *
 * Source: KIP-554, `ScramControlManager`.
 */
import { userNameComplaint } from "../../access/file/read-users.ts";
import {
  SALT_BYTES_OF_TOOLS,
  type ScramCredential,
  type ScramMechanism,
  saltedBytes,
  scramOfSalted,
} from "../../access/scram/scram-credential.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import type { ScramChange } from "./scram-user-store.ts";

/** Kafka's own bounds: fewer are too easy to guess, and each login costs the client so many. */
const ITERATIONS = { min: 4_096, max: 16_384 };

const MECHANISM_CODES: Readonly<Record<ScramMechanism, number>> = {
  "SCRAM-SHA-256": 1,
  "SCRAM-SHA-512": 2,
};

export interface ScramDeletion {
  readonly user: string;
  readonly mechanismCode: number;
}

/** Salt and salted password are secrets. */
export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

export function mechanismCode(mechanism: ScramMechanism): number {
  return MECHANISM_CODES[mechanism];
}

/**
 * What all of a request's alterations of one user come to.
 * @throws KafkaRefusal: UNSUPPORTED_SASL_MECHANISM, UNACCEPTABLE_CREDENTIAL, DUPLICATE_RESOURCE
 */
export function scramChangeOf(
  user: string,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): ScramChange {
  if (user === "") throw unacceptable("Username must not be empty.");
  const all = [...deletions, ...upsertions].map(({ mechanismCode: code }) => mechanismOf(code));
  if (new Set(all).size < all.length) {
    const message = "A user credential cannot be altered twice in the same request.";
    throw new KafkaRefusal("DUPLICATE_RESOURCE", message);
  }
  const remove = deletions.map(({ mechanismCode: code }) => mechanismOf(code));
  return { user, remove, put: upsertions.map(credentialOf) };
}

function mechanismOf(code: number): ScramMechanism {
  for (const [mechanism, known] of Object.entries(MECHANISM_CODES)) {
    if (known === code) return mechanism as ScramMechanism;
  }
  throw new KafkaRefusal("UNSUPPORTED_SASL_MECHANISM", "Unknown SCRAM mechanism.");
}

function credentialOf(upsertion: ScramUpsertion): ScramCredential {
  const { user, iterations, salt, saltedPassword } = upsertion;
  const mechanism = mechanismOf(upsertion.mechanismCode);
  const complaint = userNameComplaint(user);
  if (complaint !== undefined) throw unacceptable(`A user's name ${complaint}.`);
  if (iterations < ITERATIONS.min) {
    throw unacceptable(`Too few iterations: use ${ITERATIONS.min} or more.`);
  }
  if (iterations > ITERATIONS.max) {
    throw unacceptable(`Too many iterations: use ${ITERATIONS.max} or fewer.`);
  }
  if (salt.length < SALT_BYTES_OF_TOOLS.min || salt.length > SALT_BYTES_OF_TOOLS.max) {
    throw unacceptable(
      `A salt has ${SALT_BYTES_OF_TOOLS.min} to ${SALT_BYTES_OF_TOOLS.max} bytes.`,
    );
  }
  if (saltedPassword.length !== saltedBytes(mechanism)) {
    throw unacceptable(`A salted password of ${mechanism} has ${saltedBytes(mechanism)} bytes.`);
  }
  return scramOfSalted({ mechanism, iterations, salt: Buffer.from(salt) }, saltedPassword);
}

function unacceptable(message: string): KafkaRefusal {
  return new KafkaRefusal("UNACCEPTABLE_CREDENTIAL", message);
}
