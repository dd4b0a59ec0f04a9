/**
 * Sends a new subscription the retained messages that it matches, in slices, so that a filter which
 * matches very many does not stop the gateway, nor fill the memory before the client reads.
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

export class RetainedDelivery {
  readonly #parts: RetainedDeliveryParts;

  constructor(parts: RetainedDeliveryParts) {
    this.#parts = parts;
  }

  async send(session: Session, subscriptions: readonly Subscription[]): Promise<void> {
    for (const subscription of subscriptions) {
      let slice: Message[] = [];
      for (const message of this.#parts.retained.matching(subscription.filter)) {
        if (message === undefined) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        slice.push(message);
        if (slice.length < SLICE_MESSAGES) continue;
        if (!(await this.#sendSlice(session, subscription, slice))) return;
        slice = [];
      }
      if (!(await this.#sendSlice(session, subscription, slice))) return;
    }
  }

  /** False where the client has left. */
  async #sendSlice(
    session: Session,
    { qos, subscriptionId }: Subscription,
    messages: readonly Message[],
  ): Promise<boolean> {
    // They are sent with RETAIN, whatever the subscription says of that [MQTT-3.3.1-8].
    const subscriptionIds = subscriptionId === undefined ? undefined : [subscriptionId];
    const terms = { qos, retainAsPublished: true, subscriptionIds };
    const queued: QueuedMessage[] = [];
    for (const message of messages) {
      if (takesByQueue(session, message, terms)) queued.push(queuedFor(session, message, terms));
      else session.deliver(new OutgoingPublish(message), terms, true);
    }
    if (queued.length > 0) {
      await this.#parts.queues.enqueue(queued).written;
      session.wake();
    }
    if (messages.length === SLICE_MESSAGES) await session.roomForMore();
    return session.connected;
  }
}
