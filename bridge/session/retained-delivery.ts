/**
 * Sends a new subscription the retained messages that it matches, in slices, so that a filter which
 * matches very many does not stop the gateway, nor fill the memory before the client reads. One
 * session's subscriptions are served one after another.
 *
 * Invariant: a message is sent in the same turn of the event loop in which it is read, so that no
 * newer one of its topic can come before it.
 */

import { queuedFor, takesByQueue } from "../delivery/fan-out.ts";
import type { Subscription } from "../delivery/subscription.ts";
import type { Message } from "../message.ts";
import { OutgoingPublish } from "../packets/outgoing-publish.ts";
import type { QueuedMessage, SessionQueues } from "./queue-contract.ts";
import type { Session } from "./session.ts";

export interface RetainedSource {
  /** Those that `filter` matches, read one by one; undefined: a long walk may pause here. */
  matching(filter: string): Iterable<Message | undefined>;
}

export interface RetainedDeliveryParts {
  readonly retained: RetainedSource;
  readonly queues: SessionQueues;
}

/** Also what is begun of all walks together before the event loop turns: a few milliseconds. */
const SLICE_MESSAGES = 100;
const SLICE_BYTES = 128 * 1024;

export class RetainedDelivery {
  readonly #parts: RetainedDeliveryParts;
  /** The walk that each session's next one waits for. */
  readonly #walks = new WeakMap<Session, Promise<void>>();

  /** Messages read, or about to be, for whomever, since the event loop last turned. */
  #read = 0;
  #turn: Promise<void> | undefined;

  constructor(parts: RetainedDeliveryParts) {
    this.#parts = parts;
  }

  /** Resolves when all are sent, or the client has left. */
  send(session: Session, subscriptions: readonly Subscription[]): Promise<void> {
    const before = this.#walks.get(session);
    const walk =
      before === undefined
        ? this.#walk(session, subscriptions)
        : before.then(() => this.#walk(session, subscriptions));
    const settled = walk.catch(() => {});
    this.#walks.set(session, settled);
    void settled.then(() => {
      if (this.#walks.get(session) === settled) this.#walks.delete(session);
    });
    return walk;
  }

  async #walk(session: Session, subscriptions: readonly Subscription[]): Promise<void> {
    for (const subscription of subscriptions) {
      if (!session.connected) return;
      let slice: Message[] = [];
      let bytes = 0;
      const others = this.#othersFirst();
      if (others !== undefined) await others;
      for (const message of this.#parts.retained.matching(subscription.filter)) {
        if (message !== undefined) {
          slice.push(message);
          bytes += message.payload.length;
          if (slice.length < SLICE_MESSAGES && bytes < SLICE_BYTES) continue;
        }
        await this.#sendSlice(session, subscription, slice);
        if (message !== undefined) await session.roomForMore();
        if (!session.connected) return;
        await this.#othersFirst();
        slice = [];
        bytes = 0;
      }
      this.#read -= SLICE_MESSAGES - slice.length;
      await this.#sendSlice(session, subscription, slice);
    }
  }

  /**
   * A client that reads quickly has room again and again: that alone would not let anybody else in.
   * Walks that wait go on one after another, a slice each, which is counted when it is begun.
   */
  #othersFirst(): Promise<void> | undefined {
    if (this.#read >= SLICE_MESSAGES) return this.#turnToRead();
    this.#read += SLICE_MESSAGES;
    return undefined;
  }

  async #turnToRead(): Promise<void> {
    while (this.#read >= SLICE_MESSAGES) await (this.#turn ??= this.#nextTurn());
    this.#read += SLICE_MESSAGES;
  }

  async #nextTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#read = 0;
    this.#turn = undefined;
  }

  async #sendSlice(
    session: Session,
    { qos, subscriptionId, noLocal }: Subscription,
    messages: readonly Message[],
  ): Promise<void> {
    // They are sent with RETAIN, whatever the subscription says of that [MQTT-3.3.1-8].
    const subscriptionIds = subscriptionId === undefined ? undefined : [subscriptionId];
    const terms = { qos, retainAsPublished: true, subscriptionIds };
    const queued: QueuedMessage[] = [];
    for (const message of messages) {
      // Neither a retained one comes back to who published it [MQTT-3.8.3-3].
      if (noLocal && message.publisher === session.clientId) continue;
      if (takesByQueue(session, message, terms)) queued.push(queuedFor(session, message, terms));
      else session.deliver(new OutgoingPublish(message), terms, true);
    }
    if (queued.length === 0) return;
    await this.#parts.queues.enqueue(queued).written;
    session.wake();
  }
}
