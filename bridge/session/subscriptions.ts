/**
 * The subscriptions of persistent sessions, one entry a client under `session/<client key>`:
 * JSON `{"clientId", "subscriptions": [{"topic", "qos", ...}]}`. Mirrored in memory.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";
import { type SessionSubscription, SubscriptionTrie } from "./subscription-trie.ts";

export interface ClientSubscription {
  topic: string;
  qos: number;
  rh?: number | undefined;
  rap?: boolean | undefined;
  nl?: boolean | undefined;
  subscriptionIdentifier?: number;
}

export interface SubscriptionsLimits {
  readonly sessionsMax: number;
  readonly subscriptionsPerClientMax: number;
}

interface Session {
  readonly filters: Map<string, ClientSubscription>;
  /** The write that covers what is in `filters` now. */
  written: Promise<void>;
}

export class Subscriptions {
  readonly #store: KeyValues;
  readonly #limits: SubscriptionsLimits;
  readonly #sessions = new Map<string, Session>();
  /** Subscriptions of QoS 1 and 2 alone: QoS 0 is not queued for those away. */
  readonly #trie = new SubscriptionTrie();

  constructor(store: KeyValues, limits: SubscriptionsLimits) {
    this.#store = store;
    this.#limits = limits;
    for (const [, value] of store.entries({ start: "session/", end: "session0" })) {
      const { clientId, subscriptions } = JSON.parse(Buffer.from(value).toString("utf8")) as {
        clientId: string;
        subscriptions: ClientSubscription[];
      };
      const session = { filters: new Map(), written: Promise.resolve() };
      this.#sessions.set(clientId, session);
      for (const subscription of subscriptions) this.#apply(clientId, session, subscription);
    }
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Subscriptions of QoS 1 and 2. */
  get count(): number {
    return this.#trie.count;
  }

  /** Counts up with every change of what {@link matching} answers. */
  get version(): number {
    return this.#trie.version;
  }

  /** Why this client may not subscribe to another filter; undefined where it may. */
  complaint(clientId: string, filter: string): string | undefined {
    const { sessionsMax, subscriptionsPerClientMax } = this.#limits;
    const session = this.#sessions.get(clientId);
    if (session === undefined && this.#sessions.size >= sessionsMax) {
      return `The gateway holds ${sessionsMax} persistent sessions (limits.mqttSessionsMax).`;
    }
    if (session !== undefined && !session.filters.has(filter)) {
      if (session.filters.size < subscriptionsPerClientMax) return undefined;
      return `The client has ${subscriptionsPerClientMax} subscriptions (subscriptionsPerClientMax).`;
    }
    return undefined;
  }

  /** Adds or replaces; resolves when on disk. @throws LIMIT_EXCEEDED */
  async add(clientId: string, subscriptions: readonly ClientSubscription[]): Promise<void> {
    for (const { topic } of subscriptions) {
      const complaint = this.complaint(clientId, topic);
      if (complaint !== undefined) throw new TributaryError("LIMIT_EXCEEDED", complaint);
    }
    let session = this.#sessions.get(clientId);
    if (session === undefined) {
      session = { filters: new Map(), written: Promise.resolve() };
      this.#sessions.set(clientId, session);
    }
    let changed = false;
    for (const subscription of subscriptions) {
      if (this.#apply(clientId, session, subscription)) changed = true;
    }
    if (changed) session.written = this.#write(clientId, session);
    await session.written;
  }

  async remove(clientId: string, filters: readonly string[]): Promise<void> {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    for (const filter of filters) {
      if (!session.filters.delete(filter)) continue;
      this.#trie.remove(clientId, filter);
    }
    if (session.filters.size === 0) this.#sessions.delete(clientId);
    session.written = this.#write(clientId, session);
    await session.written;
  }

  /** Forgets a client's session; resolves when that is on disk. */
  async clear(clientId: string): Promise<void> {
    const session = this.#sessions.get(clientId);
    if (session !== undefined) await this.remove(clientId, [...session.filters.keys()]);
  }

  ofClient(clientId: string): ClientSubscription[] {
    const session = this.#sessions.get(clientId);
    return session === undefined ? [] : [...session.filters.values()].map((sub) => ({ ...sub }));
  }

  /** Who of the persistent sessions gets a message of `topic` at QoS 1 or 2. */
  matching(topic: string): SessionSubscription[] {
    return this.#trie.match(topic);
  }

  *clientsOf(filter: string): Generator<string> {
    for (const [clientId, { filters }] of this.#sessions) if (filters.has(filter)) yield clientId;
  }

  /** False where it was there already, just so. */
  #apply(clientId: string, session: Session, given: ClientSubscription): boolean {
    const { topic, qos, rh, rap, nl, subscriptionIdentifier } = given;
    const subscription: ClientSubscription = { topic, qos, rh, rap, nl };
    if (subscriptionIdentifier !== undefined) {
      subscription.subscriptionIdentifier = subscriptionIdentifier;
    }
    const before = session.filters.get(topic);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(subscription)) {
      return false;
    }
    session.filters.set(topic, subscription);
    if (qos > 0) this.#trie.add({ clientId, topic, qos, rh, rap, nl });
    else this.#trie.remove(clientId, topic);
    return true;
  }

  async #write(clientId: string, { filters }: Session): Promise<void> {
    const key = `session/${clientKey(clientId)}`;
    if (filters.size === 0) {
      await this.#store.write([[key, undefined]]);
      return;
    }
    const value = JSON.stringify({ clientId, subscriptions: [...filters.values()] });
    await this.#store.write([[key, Buffer.from(value)]]);
  }
}
