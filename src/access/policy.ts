/** What is in force: the access file as it was read last, and the keys of the files that it names. */
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { readYamlDocument } from "../config/yaml-document.ts";
import { userOfCertificate } from "./certificates.ts";
import {
  ACCESS_FILE,
  type AccessFile,
  NO_ACCESS_FILE,
  parseAccessFile,
} from "./file/access-file.ts";
import type { Proof } from "./principal.ts";
import type { KeptScramUsers } from "./scram/scram-users.ts";
import { TokenChecks } from "./tokens/token-checks.ts";

export interface Policy extends AccessFile {
  readonly tokens: TokenChecks | undefined;
  /** The same where nothing has changed. Empty where there is no access file. */
  readonly fingerprint: string;
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export async function loadPolicy(file: string | undefined, clock: Clock): Promise<Policy> {
  if (file === undefined) return { ...NO_ACCESS_FILE, tokens: undefined, fingerprint: "" };
  const yaml = readYamlDocument(file, ACCESS_FILE);
  const parsed = parseAccessFile(yaml);
  const tokens = parsed.jwt && (await TokenChecks.load(parsed.jwt, clock));
  const hash = createHash("sha256")
    .update(yaml.text)
    .update(tokens?.fingerprint ?? "");
  return { ...parsed, tokens, fingerprint: hash.digest("base64") };
}

export function hasFile({ fingerprint }: Policy): boolean {
  return fingerprint !== "";
}

/** Whether who was let in by this proof would be so again. */
export function stillHolds(
  policy: Policy,
  scramUsers: KeptScramUsers,
  user: string | undefined,
  proof: Proof,
): boolean {
  switch (proof.by) {
    case "nothing":
      return letsInAnonymous(policy, proof.loopback);
    case "password":
      return user !== undefined && policy.users.get(user)?.text === proof.stored;
    case "scram":
      return user !== undefined && scramUsers.holds(user, proof);
    case "certificate":
      return userOfCertificate(proof.certificate, policy.certificates) === user;
    case "token":
      return policy.tokens?.stillTakes(proof.grant) ?? false;
  }
}

export function letsInAnonymous({ anonymous }: Policy, loopback: boolean): boolean {
  return anonymous === "allowed" || (anonymous === "loopback" && loopback);
}
