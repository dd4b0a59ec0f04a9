/**
 * A session as it is kept on disk: one entry for itself, and one for each of its subscriptions, so
 * that a SUBSCRIBE writes what it changes.
 *
 *     session/<client key>/                   JSON with a version: whose it is, and when it ends
 *     session/<client key>/=<filter>          a subscription; for a filter of up to 1,000 bytes
 *     session/<client key>/~<SHA-256>         the same for a longer one (base64url)
 *
 * No client key holds a slash, so all that is one session's stands together, itself first.
 *
 * A subscription:
 *
 *     0   version        u8       3
 *     1   options        u8       bits 0-1 QoS, 2 no local, 3 retain as published, 4-5 retain handling
 *                                 (as in SUBSCRIBE), 6 has an identifier
 *     2   filter         string   as its client wrote it
 *     ..  identifier     uvarint
 */
import { createHash } from "node:crypto";
import { messageOf, TributaryError } from "../../src/base/errors.ts";
import { clientKey } from "../client-key.ts";
import type { Subscription } from "../delivery/subscription.ts";
import { checkVersion, decodeStored, encodeStored } from "./stored-message.ts";

/** What is kept of a session beside its subscriptions. */
export interface SessionHead {
  readonly clientId: string;
  /** The user's name, as the access rules know it. */
  readonly owner?: string | undefined;
  /** Seconds from the disconnection to the session's end, or NEVER_EXPIRES. */
  readonly expirySeconds: number;
  /** When it ends (wall clock): of clients that are away, where it ends at all. */
  readonly endsAtMs: number | undefined;
}

export const SESSIONS = { start: "session/", end: "session0" } as const;

/** Of both kinds of entries. The engine before this one wrote none; 2 was a session as one entry. */
const VERSION = 3;
const FILTER_IN_KEY_BYTES_MAX = 1_000;
const NO_LOCAL = 1 << 2;
const RETAIN_AS_PUBLISHED = 1 << 3;
const RETAIN_HANDLING_SHIFT = 4;
const HAS_ID = 1 << 6;
const TWO_BITS = 3;

export function sessionKey(clientId: string): string {
  return `${SESSIONS.start}${clientKey(clientId)}/`;
}

export function subscriptionKey(clientId: string, filter: string): string {
  if (Buffer.byteLength(filter) <= FILTER_IN_KEY_BYTES_MAX) {
    return `${sessionKey(clientId)}=${filter}`;
  }
  return `${sessionKey(clientId)}~${createHash("sha256").update(filter).digest("base64url")}`;
}

/** Whether a key is a session's own, not one of its subscriptions'. */
export function isSessionKey(key: string): boolean {
  const nameEnd = key.indexOf("/", SESSIONS.start.length);
  // Without a slash it is of an older format: what it holds will say so.
  return nameEnd < 0 || nameEnd === key.length - 1;
}

export function encodeSession({ clientId, owner, expirySeconds, endsAtMs }: SessionHead): Buffer {
  const head = { version: VERSION, clientId, owner, expirySeconds, endsAtMs };
  return Buffer.from(JSON.stringify(head));
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodeSession(value: Uint8Array): SessionHead {
  const { version, clientId, owner, expirySeconds, endsAtMs } = parsed(value);
  checkVersion("A stored MQTT session", version ?? 1, VERSION);
  // JSON leaves out what is undefined.
  return { clientId, owner, expirySeconds, endsAtMs };
}

export function encodeSubscription(subscription: Subscription): Buffer {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId } = subscription;
  return encodeStored((writer) => {
    writer.int8(VERSION);
    writer.int8(
      qos |
        (noLocal ? NO_LOCAL : 0) |
        (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
        (retainHandling << RETAIN_HANDLING_SHIFT) |
        (subscriptionId === undefined ? 0 : HAS_ID),
    );
    writer.string(filter);
    if (subscriptionId !== undefined) writer.uvarint(subscriptionId);
  });
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodeSubscription(value: Uint8Array): Subscription {
  return decodeStored(value, (reader) => {
    checkVersion("A stored MQTT subscription", reader.int8(), VERSION);
    const options = reader.int8();
    return {
      filter: reader.string(),
      qos: upToTwo(options),
      noLocal: (options & NO_LOCAL) !== 0,
      retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
      retainHandling: upToTwo(options >> RETAIN_HANDLING_SHIFT),
      subscriptionId: (options & HAS_ID) === 0 ? undefined : reader.uvarint(),
    };
  });
}

function upToTwo(bits: number): 0 | 1 | 2 {
  const value = bits & TWO_BITS;
  return value === 0 || value === 1 ? value : 2;
}

function parsed(value: Uint8Array): SessionHead & { readonly version?: number } {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  try {
    return JSON.parse(text) as SessionHead;
  } catch (cause) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      `A stored MQTT session is no JSON (${messageOf(cause)}): use another folder with --data.`,
      { cause },
    );
  }
}
