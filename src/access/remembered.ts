/**
 * A principal as it is kept across a restart, for what it has asked the gateway to do in its absence:
 * who it is, where it came in and by what, as JSON with a version. No secret is in it: of a password's
 * stored hash only a digest, which tells whether it is still the same.
 */
import { createHash } from "node:crypto";
import type { Policy } from "./policy.ts";
import type { GrantedPrincipal, Proof } from "./principal.ts";
import type { Subject } from "./rules.ts";

type KeptProof =
  | Exclude<Proof, { readonly by: "password" | "scram" }>
  | { readonly by: "password"; readonly digest: string };

interface Kept {
  readonly version: number;
  readonly subject: Subject;
  readonly proof: KeptProof;
}

export interface Recalled {
  readonly subject: Subject;
  readonly proof: Proof;
}

const VERSION = 1;

/** Undefined for a user that Kafka's tools have made: it leaves nothing to do behind. */
export function remembered({ subject, proof }: GrantedPrincipal): string | undefined {
  if (proof.by === "scram") return undefined;
  const kept: Kept = { version: VERSION, subject, proof: withoutSecret(proof) };
  return JSON.stringify(kept);
}

/** Undefined where its password has changed, its user is gone, or another release has kept it. */
export function recalled(text: string, { users }: Policy): Recalled | undefined {
  const { version, subject, proof } = JSON.parse(text) as Kept;
  if (version !== VERSION) return undefined;
  if (proof.by !== "password") return { subject, proof };
  const stored = users.get(subject.user ?? "")?.text;
  if (stored === undefined || digestOf(stored) !== proof.digest) return undefined;
  return { subject, proof: { by: "password", stored } };
}

function withoutSecret(proof: Exclude<Proof, { readonly by: "scram" }>): KeptProof {
  return proof.by === "password" ? { by: "password", digest: digestOf(proof.stored) } : proof;
}

function digestOf(stored: string): string {
  return createHash("sha256").update(stored).digest("base64");
}
