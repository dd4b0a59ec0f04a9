/** `jwt:` of the access file: whose tokens are taken in place of a password, and what is asked of them. */
import { dirname, resolve } from "node:path";
import { duration, MINUTE_MS } from "../../config/kinds/duration.ts";
import type { YamlPart } from "./yaml-part.ts";

export interface JwtSettings {
  /** Files with public keys: PEM, or a JWKS. */
  readonly keyFiles: readonly string[];
  /** The file with the secret that HS256 tokens are signed with. */
  readonly secretFile: string | undefined;
  /** Undefined: not looked at. */
  readonly issuers: readonly string[] | undefined;
  readonly audiences: readonly string[] | undefined;
  readonly userClaim: string;
  readonly expiry: "required" | "optional";
  readonly clockSkewMs: number;
}

const FILES_MAX = 16;
const NAMES_MAX = 16;
const CLOCK_SKEW_DEFAULT_MS = 30_000;
const clockSkewKind = duration({ min: 0, max: 5 * MINUTE_MS });

/** `file`: the access file, from whose folder relative paths begin. @throws CONFIG_INVALID */
export function readJwt(part: YamlPart | undefined, file: string): JwtSettings | undefined {
  if (part === undefined) return undefined;
  const { keys, secretFile, issuer, audience, userClaim, expiry, clockSkew } = part.fields([
    "keys",
    "secretFile",
    "issuer",
    "audience",
    "userClaim",
    "expiry",
    "clockSkew",
  ]);
  if (keys === undefined && secretFile === undefined) {
    throw part.complaint("must have keys (files with public keys) or secretFile");
  }
  const beside = (path: string) => resolve(dirname(file), path);
  return {
    keyFiles: keys?.texts(FILES_MAX).map(beside) ?? [],
    secretFile: secretFile && beside(secretFile.text()),
    issuers: issuer?.texts(NAMES_MAX),
    audiences: audience?.texts(NAMES_MAX),
    userClaim: userClaim?.text() ?? "sub",
    expiry: expiry?.oneOf(["required", "optional"]) ?? "required",
    clockSkewMs: clockSkew ? readClockSkew(clockSkew) : CLOCK_SKEW_DEFAULT_MS,
  };
}

function readClockSkew(part: YamlPart): number {
  const reading = clockSkewKind.read(part.value);
  if ("problem" in reading) throw part.complaint(reading.problem);
  return reading.value;
}
