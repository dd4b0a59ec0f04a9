/**
 * Persistent sessions: who they belong to, what they are subscribed to, and when they end, one entry
 * a client under `session/<client key>`, JSON with a version. What they have still to receive is the
 * queues' (queue-store.ts).
 *
 * Memory: the client identifiers' keys alone; the sessions themselves are the
 * {@link SessionDirectory}'s.
 */
import { messageOf, TributaryError } from "../../src/base/errors.ts";
import { systemTimers, type Timers } from "../../src/base/timers.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";
import type { Subscription } from "../delivery/subscription.ts";
import { LatestValues } from "./latest-values.ts";
import { checkVersion } from "./stored-message.ts";

export interface SessionRecord {
  readonly clientId: string;
  readonly subscriptions: readonly Subscription[];
  /** Seconds from the disconnection to the session's end, or NEVER_EXPIRES. */
  readonly expirySeconds: number;
  /** When it ends (wall clock): of clients that are away, where it ends at all. */
  readonly endsAtMs: number | undefined;
}

const VERSION = 2;
const RANGE = { start: "session/", end: "session0" } as const;

export interface SessionStoreOptions {
  readonly store: KeyValues;
  readonly limits: { readonly sessionsMax: number };
  readonly timers?: Timers;
}

export class SessionStore {
  readonly #store: KeyValues;
  readonly #sessionsMax: number;
  readonly #latest: LatestValues<SessionRecord>;
  readonly #keys = new Set<string>();

  constructor({ store, limits, timers = systemTimers }: SessionStoreOptions) {
    this.#store = store;
    this.#sessionsMax = limits.sessionsMax;
    this.#latest = new LatestValues({ store, timers, encode: encodeSession });
    for (const [key] of store.entries(RANGE)) this.#keys.add(key);
  }

  get count(): number {
    return this.#keys.size;
  }

  /** Every session as of the last write. To be read to its end at once, when the gateway starts. */
  *load(): Generator<SessionRecord> {
    for (const [, value] of this.#store.entries(RANGE)) yield decodeSession(value);
  }

  /** Why another client may have no persistent session; undefined where it may. */
  complaint(clientId: string): string | undefined {
    if (this.#keys.size < this.#sessionsMax || this.#keys.has(sessionKey(clientId))) {
      return undefined;
    }
    return (
      `The gateway holds ${this.#sessionsMax} persistent sessions: end some, or raise ` +
      "limits.mqttSessionsMax."
    );
  }

  /**
   * Keeps a session as it is now; resolves when that, or what replaced it meanwhile, is on disk.
   * `record` must not change any more.
   * @throws LIMIT_EXCEEDED
   */
  async put(record: SessionRecord): Promise<void> {
    const complaint = this.complaint(record.clientId);
    if (complaint !== undefined) throw new TributaryError("LIMIT_EXCEEDED", complaint);
    const key = sessionKey(record.clientId);
    this.#keys.add(key);
    await this.#write(key, record);
  }

  /** The session ends; resolves when that is on disk. */
  async remove(clientId: string): Promise<void> {
    const key = sessionKey(clientId);
    if (this.#keys.delete(key)) await this.#write(key, undefined);
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    await this.#latest.close();
  }

  async #write(key: string, record: SessionRecord | undefined): Promise<void> {
    try {
      await this.#latest.set(key, record);
    } catch (error) {
      // What counts is what the disk has, unless another write is on its way.
      if (this.#latest.pending(key).known) throw error;
      if (this.#store.get(key) === undefined) this.#keys.delete(key);
      else this.#keys.add(key);
      throw error;
    }
  }
}

function sessionKey(clientId: string): string {
  return RANGE.start + clientKey(clientId);
}

function encodeSession(record: SessionRecord): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, ...record }));
}

/** @throws DATA_FORMAT_UNSUPPORTED */
function decodeSession(value: Uint8Array): SessionRecord {
  const { version, clientId, subscriptions, expirySeconds, endsAtMs } = parsed(value);
  // The engine before this one wrote no version.
  checkVersion("A stored MQTT session", version ?? 1, VERSION);
  return {
    clientId,
    // JSON leaves out what is undefined.
    subscriptions: subscriptions.map((each) => ({ ...each, subscriptionId: each.subscriptionId })),
    expirySeconds,
    endsAtMs,
  };
}

function parsed(value: Uint8Array): SessionRecord & { readonly version?: number } {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  try {
    return JSON.parse(text) as SessionRecord;
  } catch (cause) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      `A stored MQTT session is no JSON (${messageOf(cause)}): use another folder with --data.`,
      { cause },
    );
  }
}
