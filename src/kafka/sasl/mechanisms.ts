/**
 * The SASL mechanisms. Of those that take one message: what a client says in it, as credentials;
 * SCRAM takes two, and `access` looks into them.
 *
 * Sources: RFC 4616 (PLAIN), RFC 7628 (OAUTHBEARER), KIP-255.
 */
import { SCRAM_MECHANISMS, type ScramMechanism } from "../../access/scram/scram-credential.ts";
import { TributaryError } from "../../base/errors.ts";

/** Who a client says it is. Never logged. */
export interface Claim {
  readonly username: string | undefined;
  readonly password: Buffer;
}

type OneMessage = "PLAIN" | "OAUTHBEARER";
export type Mechanism = OneMessage | ScramMechanism;

const READERS: Readonly<Record<OneMessage, (message: Buffer) => Claim>> = {
  PLAIN: readPlain,
  OAUTHBEARER: readBearer,
};

export const MECHANISMS: readonly Mechanism[] = ["PLAIN", ...SCRAM_MECHANISMS, "OAUTHBEARER"];

/** @throws ACCESS_DENIED where it is not a message of that mechanism */
export function readClaim(mechanism: OneMessage, message: Buffer): Claim {
  return READERS[mechanism](message);
}

/** `[authorization id] NUL user NUL password`; nobody may act for somebody else. */
function readPlain(message: Buffer): Claim {
  const first = message.indexOf(0);
  const second = message.indexOf(0, first + 1);
  if (first < 0 || second < 0) throw malformed("PLAIN");
  const username = message.toString("utf8", first + 1, second);
  const authorizationId = message.toString("utf8", 0, first);
  if (authorizationId !== "" && authorizationId !== username) {
    throw new TributaryError("ACCESS_DENIED", "Nobody may act for another user here.");
  }
  return { username, password: Buffer.from(message.subarray(second + 1)) };
}

/** `n,[a=user],^Aauth=Bearer token^A[key=value^A]*^A`; the token says who the user is. */
function readBearer(message: Buffer): Claim {
  const [head = "", ...pairs] = message.toString("latin1").split("\u0001");
  if (!/^n,(a=[^,]*)?,$/.test(head)) throw malformed("OAUTHBEARER");
  for (const pair of pairs) {
    const token = /^auth=Bearer +(\S+)$/i.exec(pair)?.[1];
    if (token !== undefined) return { username: undefined, password: Buffer.from(token, "latin1") };
  }
  throw malformed("OAUTHBEARER");
}

function malformed(mechanism: OneMessage): TributaryError {
  return new TributaryError("ACCESS_DENIED", `That is not a message of SASL ${mechanism}.`);
}
