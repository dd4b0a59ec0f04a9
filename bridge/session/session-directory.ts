/**
 * Every session of the gateway, by client identifier: opened when its client comes, kept on disk
 * where it outlives its connection, ended when its time is over. The owner of the sessions and of
 * the index of their subscriptions.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Subscription } from "../delivery/subscription.ts";
import { SubscriptionIndex } from "../delivery/subscription-index.ts";
import { NEVER_EXPIRES } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import type { ReceivedIds } from "../qos2/received-ids.ts";
import { ProtocolRefusal } from "../refusals.ts";
import type { SessionQueues } from "./queue-contract.ts";
import { Session, type SessionParts } from "./session.ts";
import type { SessionStore } from "./session-store.ts";

export interface SessionDirectoryLimits {
  readonly routeCacheTopicsMax: number;
}

export interface SessionDirectoryParts {
  readonly store: SessionStore;
  readonly queues: SessionQueues;
  readonly receivedIds: ReceivedIds;
  readonly session: SessionParts;
  readonly limits: SessionDirectoryLimits;
  readonly clock: Clock;
  /** A session has ended: a will that waited for it is due [MQTT-3.1.3-9]. */
  readonly ended: (clientId: string) => void;
  /** What ended could not be written down. */
  readonly failed: (error: unknown) => void;
}

/** What a CONNECT says of the session it wants, and who sent it. */
export interface SessionWish {
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly owner: string;
}

export interface OpenedSession {
  readonly session: Session;
  /** It was there before. */
  readonly present: boolean;
}

export class SessionDirectory {
  readonly subscriptions: SubscriptionIndex<Session>;
  readonly #parts: SessionDirectoryParts;
  readonly #sessions = new Map<string, Session>();
  /** Those that wait for their client, and end some time. */
  readonly #ending = new Set<Session>();

  constructor(parts: SessionDirectoryParts) {
    this.#parts = parts;
    this.subscriptions = new SubscriptionIndex(parts.limits.routeCacheTopicsMax);
    for (const record of parts.store.load()) {
      const session = new Session(record.clientId, record.expirySeconds, parts.session, true);
      session.owner = record.owner;
      this.#sessions.set(record.clientId, session);
      for (const subscription of record.subscriptions) {
        session.subscribe(subscription);
        this.subscriptions.put(session, subscription);
      }
      // Whoever was connected when the gateway ended has left then; when that was is not known.
      session.endsAtMs = record.endsAtMs ?? endOf(session, parts.clock.nowMs());
      if (session.endsAtMs !== undefined) this.#ending.add(session);
    }
  }

  /** Those that outlive their connection. */
  get persistentCount(): number {
    return this.#parts.store.count;
  }

  clientIds(): Iterable<string> {
    return this.#sessions.keys();
  }

  /**
   * The session that a client's CONNECT asks for; resolves when one that it ends is gone from the
   * disk, and one that was there is on disk as it is now: it must not end meanwhile. Nobody may be
   * connected to it. A session is its owner's: another user who comes by the same identifier begins
   * anew, and gets nothing of what was kept.
   * @throws ProtocolRefusal where the gateway keeps as many as it may
   */
  async open(
    clientId: string,
    { cleanStart, expirySeconds, owner }: SessionWish,
  ): Promise<OpenedSession> {
    let session = this.#sessions.get(clientId);
    const expired =
      session?.endsAtMs !== undefined && session.endsAtMs <= this.#parts.clock.nowMs();
    const foreign = session?.owner !== undefined && session.owner !== owner;
    if (session !== undefined && (cleanStart || expired || foreign)) {
      await this.end(session);
      session = undefined;
    }
    const present = session !== undefined;
    if (expirySeconds > 0) this.#checkPlace(clientId);
    if (session === undefined) {
      session = new Session(clientId, expirySeconds, this.#parts.session);
      this.#sessions.set(clientId, session);
    }
    this.#ending.delete(session);
    const isSaved =
      present &&
      session.owner === owner &&
      session.expirySeconds === expirySeconds &&
      session.endsAtMs === undefined;
    session.owner = owner;
    session.expirySeconds = expirySeconds;
    session.endsAtMs = undefined;
    // A new one keeps nothing yet: what it is told to keep (a subscription) is saved with it again.
    const saved = isSaved ? undefined : this.save(session).catch(this.#parts.failed);
    if (present) await saved;
    return { session, present };
  }

  /** The client says how long its session shall outlive the connection after all. */
  outlive(session: Session, expirySeconds: number): void {
    if (session.expirySeconds === expirySeconds) return;
    session.expirySeconds = expirySeconds;
    if (expirySeconds === NEVER_EXPIRES) this.save(session).catch(this.#parts.failed);
  }

  /** Its connection has ended: so does it, or it begins to wait. */
  async leave(session: Session): Promise<void> {
    session.disconnect();
    if (this.#sessions.get(session.clientId) !== session) return;
    if (session.expirySeconds === 0) {
      await this.end(session);
      return;
    }
    session.endsAtMs = endOf(session, this.#parts.clock.nowMs());
    if (session.endsAtMs === undefined) return;
    this.#ending.add(session);
    await this.save(session);
  }

  /** Resolves when nothing is left of it on disk either. */
  async end(session: Session): Promise<void> {
    const { clientId } = session;
    if (this.#sessions.get(clientId) !== session) return;
    this.#sessions.delete(clientId);
    this.#ending.delete(session);
    session.end();
    for (const filter of session.subscriptions.keys()) this.subscriptions.remove(session, filter);
    const { store, queues, receivedIds } = this.#parts;
    this.#parts.ended(clientId);
    await Promise.all([
      receivedIds.forget(clientId),
      store.remove(clientId, session.subscriptions.keys()),
      queues.clear(clientId),
    ]);
  }

  /**
   * Resolves when it is on disk as it is now, if it is kept there at all; `filters` are those of the
   * subscriptions that have come, changed or gone.
   */
  async save(session: Session, filters: readonly string[] = []): Promise<void> {
    if (!session.persistent || session.ended) return;
    const { clientId, owner, expirySeconds, endsAtMs, subscriptions } = session;
    const changes = filters.map((filter) => [filter, subscriptions.get(filter)] as const);
    await this.#parts.store.put({ clientId, owner, expirySeconds, endsAtMs }, changes);
  }

  subscribe(session: Session, subscription: Subscription): Subscription | undefined {
    this.subscriptions.put(session, subscription);
    return session.subscribe(subscription);
  }

  /** False where there was no such subscription. */
  unsubscribe(session: Session, filter: string): boolean {
    if (!session.unsubscribe(filter)) return false;
    this.subscriptions.remove(session, filter);
    return true;
  }

  /** Ends the sessions whose time is over. */
  sweep(nowMs: number): void {
    for (const session of this.#ending) {
      if ((session.endsAtMs ?? Number.POSITIVE_INFINITY) > nowMs || session.connected) continue;
      this.end(session).catch(this.#parts.failed);
    }
  }

  #checkPlace(clientId: string): void {
    const complaint = this.#parts.store.complaint(clientId);
    if (complaint === undefined) return;
    throw new ProtocolRefusal("limit", ReasonCode.quotaExceeded, complaint);
  }
}

function endOf({ expirySeconds }: Session, nowMs: number): number | undefined {
  return expirySeconds === NEVER_EXPIRES ? undefined : nowMs + expirySeconds * 1000;
}
