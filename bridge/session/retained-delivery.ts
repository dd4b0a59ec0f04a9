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

const SLICE_MESSAGES = 100;
const SLICE_BYTES = 128 * 1024;

export class RetainedDelivery {
  readonly #parts: RetainedDeliveryParts;
  /** The walk that each session's next one waits for. */
  readonly #walks = new WeakMap<Session, Promise<void>>();

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
      for (const message of this.#parts.retained.matching(subscription.filter)) {
        if (message !== undefined) {
          slice.push(message);
          bytes += message.payload.length;
          if (slice.length < SLICE_MESSAGES && bytes < SLICE_BYTES) continue;
        }
        await this.#sendSlice(session, subscription, slice);
        if (message === undefined) await new Promise((resolve) => setImmediate(resolve));
        else await session.roomForMore();
        if (!session.connected) return;
        slice = [];
        bytes = 0;
      }
      await this.#sendSlice(session, subscription, slice);
    }
  }

  async #sendSlice(
    session: Session,
    { qos, subscriptionId }: Subscription,
    messages: readonly Message[],
  ): Promise<void> {
    // They are sent with RETAIN, whatever the subscription says of that [MQTT-3.3.1-8].
    const subscriptionIds = subscriptionId === undefined ? undefined : [subscriptionId];
    const terms = { qos, retainAsPublished: true, subscriptionIds };
    const queued: QueuedMessage[] = [];
    for (const message of messages) {
      if (takesByQueue(session, message, terms)) queued.push(queuedFor(session, message, terms));
      else session.deliver(new OutgoingPublish(message), terms, true);
    }
    if (queued.length === 0) return;
    await this.#parts.queues.enqueue(queued).written;
    session.wake();
  }
}
