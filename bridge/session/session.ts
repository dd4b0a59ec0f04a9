/**
 * One client's session: its subscriptions and what it is still to be sent. It belongs to the
 * {@link SessionDirectory}; a connection borrows it while it lasts. Small, as most clients only
 * publish: what subscribers need is made when they subscribe.
 */
import type { DeliveryTerms, Subscriber } from "../delivery/audience.ts";
import type { Subscription } from "../delivery/subscription.ts";
import type { OutgoingPublish } from "../packets/outgoing-publish.ts";
import type { Qos } from "../packets/packet.ts";
import { type Completion, Outgoing, type OutgoingParts } from "./outgoing.ts";
import { publishBytes } from "./publish-bytes.ts";
import type { SubscriberConnection } from "./subscriber-connection.ts";

export type SessionParts = OutgoingParts;

/** Those who send very much at once (retained messages) wait until less than this waits. */
const ROOM_BYTES = 256 * 1024;
const ROOM_MESSAGES = 1_000;
const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map();

export class Session implements Subscriber {
  readonly clientId: string;
  readonly #parts: SessionParts;
  #subscriptions: Map<string, Subscription> | undefined;
  #outgoing: Outgoing | undefined;
  #connection: SubscriberConnection | undefined;
  /** Who waits for the client to have taken most of what it was sent. */
  #roomWaiters: (() => void)[] | undefined;
  #ended = false;
  /**
   * It is kept on disk, and so is what it is owed. Settled when it begins, and for good: its client
   * may come back and let it end with that connection, and is still sent what was kept until then.
   */
  readonly persistent: boolean;
  /** The name of the user whose it is; undefined: of a format that did not tell. */
  owner: string | undefined;
  /** How long it outlives its connection; 0: not at all. */
  expirySeconds: number;
  /** When it ends, while nobody is connected; undefined: somebody is, or never. */
  endsAtMs: number | undefined;

  constructor(
    clientId: string,
    expirySeconds: number,
    parts: SessionParts,
    persistent = expirySeconds > 0,
  ) {
    this.clientId = clientId;
    this.expirySeconds = expirySeconds;
    this.#parts = parts;
    this.persistent = persistent;
  }

  /** Nothing must be put into its queue any more: that is another session's by now, or nobody's. */
  get ended(): boolean {
    return this.#ended;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  get hasRoom(): boolean {
    return this.#connection !== undefined && (this.#outgoing?.hasRoom ?? true);
  }

  /** By filter, as the client wrote it. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions ?? NO_SUBSCRIPTIONS;
  }

  /** Answers the subscription that it takes the place of. */
  subscribe(subscription: Subscription): Subscription | undefined {
    const subscriptions = (this.#subscriptions ??= new Map());
    const before = subscriptions.get(subscription.filter);
    subscriptions.set(subscription.filter, subscription);
    return before;
  }

  /** False where there was none. */
  unsubscribe(filter: string): boolean {
    return this.#subscriptions?.delete(filter) ?? false;
  }

  connect(connection: SubscriberConnection): void {
    this.#connection = connection;
    this.endsAtMs = undefined;
    // What an earlier connection (or an earlier run) has left is sent on.
    if (this.#outgoing !== undefined) this.#outgoing.connect(connection);
    else if (this.#parts.queues.countOf(this.clientId) > 0) this.#sending();
  }

  end(): void {
    this.#ended = true;
    this.disconnect();
    this.#outgoing?.end();
  }

  disconnect(): void {
    this.#connection = undefined;
    this.#outgoing?.disconnect();
    this.#tellRoom();
  }

  /** Sends a message that is in no queue on disk; one of QoS 0 only if the client keeps up. */
  deliver(outgoing: OutgoingPublish, terms: DeliveryTerms, retain: boolean): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { figures, limits, memory, clock, dropped } = this.#parts;
    const qos = Math.min(outgoing.message.qos, terms.qos) as Qos;
    if (qos > 0) {
      this.#sending().deliver(outgoing, terms, qos, retain);
      return;
    }
    if (connection.waitingBytes > memory.shareOf(limits.subscriberBufferBytesMax)) {
      dropped(this.clientId);
      return;
    }
    const { subscriptionIds } = terms;
    const waiting = { outgoing, qos, retain, subscriptionIds };
    const bytes = publishBytes(connection.terms, waiting, clock.nowMs(), {});
    if (bytes === "expired") return;
    if (bytes === "too-large") {
      dropped(this.clientId);
      return;
    }
    figures.delivered += 1;
    connection.send(bytes);
  }

  /** Its queue on disk has more, or its connection has room again. */
  wake(): void {
    if (this.#connection === undefined) return;
    this.#tellRoom();
    if (this.#outgoing !== undefined) this.#outgoing.wake();
    else if (this.#parts.queues.countOf(this.clientId) > 0) this.#sending();
  }

  /** Resolves when little waits for the client, or it is gone. */
  async roomForMore(): Promise<void> {
    while (this.#connection !== undefined && !this.#hasRoomForMore) {
      await new Promise<void>((resolve) => {
        (this.#roomWaiters ??= []).push(resolve);
      });
    }
  }

  /** See {@link Outgoing.complete}. */
  complete(packetId: number, by: Completion): boolean {
    const known = this.#outgoing?.complete(packetId, by) ?? false;
    this.#tellRoom();
    return known;
  }

  /** See {@link Outgoing.release}. */
  release(packetId: number): boolean {
    return this.#outgoing?.release(packetId) ?? false;
  }

  get #hasRoomForMore(): boolean {
    const waitingBytes = this.#connection?.waitingBytes ?? 0;
    const waiting = this.#outgoing?.waiting ?? 0;
    return waitingBytes < ROOM_BYTES && waiting < ROOM_MESSAGES;
  }

  #tellRoom(): void {
    const waiters = this.#roomWaiters;
    if (waiters === undefined || (this.#connection !== undefined && !this.#hasRoomForMore)) return;
    this.#roomWaiters = undefined;
    for (const resolve of waiters) resolve();
  }

  #sending(): Outgoing {
    if (this.#outgoing === undefined) {
      this.#outgoing = new Outgoing(this.clientId, this.#parts);
      if (this.#connection !== undefined) this.#outgoing.connect(this.#connection);
    }
    return this.#outgoing;
  }
}
