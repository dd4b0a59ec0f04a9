/**
 * The server's side of one SCRAM login (RFC 5802, section 3). Owner of what was said so far:
 *
 *     client-first  n,,n=<user>,r=<nonce>
 *     server-first  r=<nonce><server's nonce>,s=<salt>,i=<iterations>
 *     client-final  c=<base64 of what stood before n=>,r=<both nonces>,p=<proof>
 *     server-final  v=<signature>
 *
 * Channel binding (`p=`) is refused, and with it the mechanisms' -PLUS forms; nobody may act for
 * another user. What a refusal says never tells whether there is such a user.
 */
import { timingSafeEqual } from "node:crypto";
import { TributaryError } from "../../base/errors.ts";
import { hashOf, hmac, type ScramCredential } from "./scram-credential.ts";

/** Whose password is proven; the credential of somebody who is not there is a decoy. */
export type CredentialOf = (user: string) => ScramCredential;

/** What was agreed on by the first two messages. */
interface Agreed {
  readonly user: string;
  readonly credential: ScramCredential;
  readonly clientNonce: string;
  /** The client's, then the server's. */
  readonly nonce: string;
  /** What the client said of channel binding, as it has to say it again. */
  readonly bindingHeader: string;
  /** client-first without that, and server-first. */
  readonly said: string;
}

const MESSAGE_BYTES_MAX = 4_096;
const CLIENT_FIRST = /^([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([!-+\--~]{1,256})(?:,[A-Za-z]=[^,]*)*)$/;
const CLIENT_FINAL =
  /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/;

export class ScramExchange {
  readonly #credentialOf: CredentialOf;
  readonly #serverNonce: string;
  #agreed: Agreed | undefined;

  /** `serverNonce`: printable, without commas, and never used before. */
  constructor(credentialOf: CredentialOf, serverNonce: string) {
    this.#credentialOf = credentialOf;
    this.#serverNonce = serverNonce;
  }

  /** The answer to client-first. @throws ACCESS_DENIED */
  challenge(message: Buffer): Buffer {
    const [, bindingHeader = "", authorizationId, bare = "", name = "", clientNonce] =
      CLIENT_FIRST.exec(textOf(message)) ?? [];
    const user = userOf(name);
    if (clientNonce === undefined || user === undefined) throw malformed();
    if (authorizationId !== undefined && authorizationId !== name) {
      throw new TributaryError("ACCESS_DENIED", "Nobody may act for another user here.");
    }
    const credential = this.#credentialOf(user);
    const nonce = clientNonce + this.#serverNonce;
    const answer = `r=${nonce},s=${credential.salt.toString("base64")},i=${credential.iterations}`;
    const said = `${bare},${answer}`;
    this.#agreed = { user, credential, clientNonce, nonce, bindingHeader, said };
    return Buffer.from(answer);
  }

  /** Who has proven a password, and the answer to client-final. @throws ACCESS_DENIED */
  finish(message: Buffer): { readonly user: string; readonly answer: Buffer } {
    const agreed = this.#agreed;
    this.#agreed = undefined;
    const [, withoutProof = "", binding = "", nonce, proof = ""] =
      CLIENT_FINAL.exec(textOf(message)) ?? [];
    if (agreed === undefined || !isAgreed(nonce, agreed)) throw malformed();
    if (Buffer.from(binding, "base64").toString("utf8") !== agreed.bindingHeader) {
      throw malformed();
    }
    const { user, credential } = agreed;
    const { mechanism, storedKey, serverKey } = credential;
    const said = `${agreed.said},${withoutProof}`;
    if (!proves(credential, Buffer.from(proof, "base64"), hmac(mechanism, storedKey, said))) {
      throw new TributaryError("ACCESS_DENIED", "The user name or the password is wrong.");
    }
    const signature = hmac(mechanism, serverKey, said).toString("base64");
    return { user, answer: Buffer.from(`v=${signature}`) };
  }
}

/**
 * librdkafka before 2.6 puts its own nonce once more in front of both. It costs nothing to take that:
 * what is proven is proven of server-first as it was sent.
 */
function isAgreed(said: string | undefined, { clientNonce, nonce }: Agreed): boolean {
  return said === nonce || said === clientNonce + nonce;
}

/** The proof is the client's key, hidden by a signature of all that was said. */
function proves(
  { mechanism, storedKey }: ScramCredential,
  proof: Buffer,
  signature: Buffer,
): boolean {
  const isWhole = proof.length === signature.length;
  const clientKey = Buffer.alloc(signature.length);
  for (const [index, byte] of signature.entries()) clientKey[index] = byte ^ (proof[index] ?? 0);
  return timingSafeEqual(hashOf(mechanism, clientKey), storedKey) && isWhole;
}

/** A name with its commas and equals signs as they are; undefined where it is none. */
function userOf(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function textOf(message: Buffer): string {
  if (message.length > MESSAGE_BYTES_MAX) throw malformed();
  return message.toString("utf8");
}

function malformed(): TributaryError {
  return new TributaryError("ACCESS_DENIED", "That is no message of SCRAM as it is taken here.");
}
