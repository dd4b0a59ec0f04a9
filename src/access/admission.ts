/**
 * How a client proves who it is: a password or a token counts before a certificate, and that before
 * nothing. What a refusal says never tells which of user and password was wrong.
 */
import { TributaryError } from "../base/errors.ts";
import type { Way } from "./access-figures.ts";
import { userOfCertificate } from "./certificates.ts";
import type { Credentials } from "./contract.ts";
import type { CheckQueue } from "./passwords/check-queue.ts";
import type { PasswordChecks } from "./passwords/password-checks.ts";
import { hasFile, letsInAnonymous, type Policy } from "./policy.ts";
import type { Proof } from "./principal.ts";
import { looksLikeToken } from "./tokens/token-checks.ts";

export interface Admitted {
  /** Undefined: an anonymous client. */
  readonly user: string | undefined;
  readonly proof: Proof;
}

/** What takes its time, and is bounded therefore. */
export interface Checks {
  readonly passwords: PasswordChecks;
  /** Those who wait for a signature to be verified. */
  readonly tokens: CheckQueue;
}

/** What of the credentials is looked at. */
export function wayOf({ username, password, certificate }: Credentials, policy: Policy): Way {
  // Without an access file there is nothing to hold a password against.
  const asked = hasFile(policy);
  if (asked && password !== undefined) {
    // By its shape alone, so that the time it takes tells nothing of the user.
    return policy.tokens !== undefined && looksLikeToken(password) ? "token" : "password";
  }
  if (certificate !== undefined) return "certificate";
  return asked && username !== undefined && username !== "" ? "password" : "nothing";
}

/** Whether somebody is let in without a name and a password. */
export function admitsUnnamed(
  { certificate, loopback }: Pick<Credentials, "loopback" | "certificate">,
  policy: Policy,
): boolean {
  if (certificate === undefined) return letsInAnonymous(policy, loopback);
  return userOfCertificate(certificate, policy.certificates) !== undefined;
}

/** @throws ACCESS_DENIED; LIMIT_EXCEEDED where too many wait for their check */
export async function admit(
  way: Way,
  credentials: Credentials,
  policy: Policy,
  checks: Checks,
): Promise<Admitted> {
  switch (way) {
    case "nothing":
      return admitAnonymous(credentials, policy);
    case "certificate":
      return admitByCertificate(credentials, policy);
    case "token":
      return await admitByToken(credentials, policy, checks.tokens);
    case "password":
      return await admitByPassword(credentials, policy, checks.passwords);
  }
}

export function denied(message: string): TributaryError {
  return new TributaryError("ACCESS_DENIED", message);
}

function admitAnonymous({ loopback }: Credentials, policy: Policy): Admitted {
  if (letsInAnonymous(policy, loopback)) {
    return { user: undefined, proof: { by: "nothing", loopback } };
  }
  if (hasFile(policy)) throw denied("A user name and a password are needed here.");
  throw denied("From other machines nobody is let in without an access file: see --access-file.");
}

function admitByCertificate({ certificate }: Credentials, policy: Policy): Admitted {
  const user = certificate && userOfCertificate(certificate, policy.certificates);
  if (certificate === undefined || user === undefined) {
    throw denied("The client certificate stands for no user here.");
  }
  return { user, proof: { by: "certificate", certificate } };
}

async function admitByToken(
  { password, remoteAddress, gone }: Credentials,
  { tokens }: Policy,
  queue: CheckQueue,
): Promise<Admitted> {
  if (tokens === undefined || password === undefined) throw denied("No tokens are taken here.");
  const check = () => tokens.check(password.toString("latin1"));
  const grant = await queue.run(remoteAddress, check, gone);
  return { user: grant.user, proof: { by: "token", grant } };
}

async function admitByPassword(
  { username: user = "", password, remoteAddress: address, gone }: Credentials,
  { users }: Policy,
  passwords: PasswordChecks,
): Promise<Admitted> {
  const stored = password && (await passwords.check({ address, user, password, gone }, users));
  if (stored === undefined) throw denied("The user name or the password is wrong.");
  return { user, proof: { by: "password", stored: stored.text } };
}
