/**
 * Persistent sessions: who they belong to, what they are subscribed to, and when they end; keys and
 * values stand in stored-session.ts. What they have still to receive is the queues' (queue-store.ts).
 *
 * Invariant: a session and what changed of its subscriptions are one transaction, and so are its end
 * and theirs. A write that failed is told to who waited for it, and stays in force: it goes along
 * with the next one, as the sessions in memory are what counts.
 *
 * Memory: the keys of the sessions alone; they themselves are the {@link SessionDirectory}'s.
 */
import { TributaryError } from "../../src/base/errors.ts";
import { systemTimers, type Timers } from "../../src/base/timers.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { Subscription } from "../delivery/subscription.ts";
import { LatestValues } from "./latest-values.ts";
import {
  decodeSession,
  decodeSubscription,
  encodeSession,
  encodeSubscription,
  isSessionKey,
  SESSIONS,
  type SessionHead,
  sessionKey,
  subscriptionKey,
} from "./stored-session.ts";

export interface SessionRecord extends SessionHead {
  readonly subscriptions: readonly Subscription[];
}

/** By its filter, what a subscription is now; undefined: gone. */
export type SubscriptionChange = readonly [filter: string, subscription: Subscription | undefined];

export interface SessionStoreOptions {
  readonly store: KeyValues;
  readonly limits: { readonly sessionsMax: number };
  readonly timers?: Timers;
}

export class SessionStore {
  readonly #store: KeyValues;
  readonly #sessionsMax: number;
  readonly #latest: LatestValues<Buffer>;
  readonly #keys = new Set<string>();

  constructor({ store, limits, timers = systemTimers }: SessionStoreOptions) {
    this.#store = store;
    this.#sessionsMax = limits.sessionsMax;
    this.#latest = new LatestValues({ store, timers, encode: (value) => value, keepsFailed: true });
  }

  get count(): number {
    return this.#keys.size;
  }

  /** Every session. To be called when the gateway starts, and read to its end at once. */
  *load(): Generator<SessionRecord> {
    let head: SessionHead | undefined;
    let subscriptions: Subscription[] = [];
    for (const [key, value] of this.#store.entries(SESSIONS)) {
      if (!isSessionKey(key)) {
        subscriptions.push(decodeSubscription(value));
        continue;
      }
      if (head !== undefined) yield { ...head, subscriptions };
      head = decodeSession(value);
      subscriptions = [];
      this.#keys.add(key);
    }
    if (head !== undefined) yield { ...head, subscriptions };
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
   * Keeps a session as it is now, with what has changed of its subscriptions; resolves when that, or
   * what replaced it meanwhile, is on disk.
   * @throws LIMIT_EXCEEDED
   */
  async put(head: SessionHead, changes: readonly SubscriptionChange[] = []): Promise<void> {
    const { clientId } = head;
    const complaint = this.complaint(clientId);
    if (complaint !== undefined) throw new TributaryError("LIMIT_EXCEEDED", complaint);
    const key = sessionKey(clientId);
    this.#keys.add(key);
    const written = this.#latest.set(key, encodeSession(head));
    for (const [filter, subscription] of changes) {
      const value = subscription && encodeSubscription(subscription);
      void this.#latest.set(subscriptionKey(clientId, filter), value);
    }
    await written;
  }

  /** The session ends, and with it its subscriptions; resolves when that is on disk. */
  async remove(clientId: string, filters: Iterable<string>): Promise<void> {
    const key = sessionKey(clientId);
    if (!this.#keys.delete(key)) return;
    const written = this.#latest.set(key, undefined);
    for (const filter of filters) {
      void this.#latest.set(subscriptionKey(clientId, filter), undefined);
    }
    await written;
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    await this.#latest.close();
  }
}
