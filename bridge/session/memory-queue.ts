/**
 * What a session that ends with its connection has still to be sent at QoS 1 and 2: bounded by
 * messages and by bytes. When it is full one gives way, as the operator chose; it is still in the log.
 */

import { messageBytes } from "../message-bytes.ts";
import type { OutgoingPublish } from "../packets/outgoing-publish.ts";
import type { Qos } from "../packets/packet.ts";

import type { SubscriberMemory } from "./subscriber-memory.ts";

export interface WaitingMessage {
  readonly outgoing: OutgoingPublish;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[] | undefined;
}

export interface MemoryQueueLimits {
  readonly queuedMessagesPerClientMax: number;
  readonly subscriberBufferBytesMax: number;
  readonly queueFullPolicy: "drop-oldest" | "drop-newest";
}

/** Taken messages are cut off once they are this many, and half of the queue. */
const TAKEN_KEPT_MAX = 1_024;

export class MemoryQueue {
  readonly #limits: MemoryQueueLimits;
  readonly #memory: SubscriberMemory;
  readonly #dropped: () => void;
  #messages: WaitingMessage[] = [];
  /** Where the first that waits stands. */
  #first = 0;
  #bytes = 0;

  /** `memory`: what it shares with the queues of all other clients. */
  constructor(limits: MemoryQueueLimits, memory: SubscriberMemory, dropped: () => void) {
    this.#limits = limits;
    this.#memory = memory;
    this.#dropped = dropped;
  }

  get count(): number {
    return this.#messages.length - this.#first;
  }

  push(message: WaitingMessage): void {
    const { queuedMessagesPerClientMax, subscriberBufferBytesMax, queueFullPolicy } = this.#limits;
    const bytes = sizeOf(message);
    const bytesMax = this.#memory.shareOf(subscriberBufferBytesMax);
    while (
      this.count > 0 &&
      (this.count >= queuedMessagesPerClientMax || this.#bytes + bytes > bytesMax)
    ) {
      this.#dropped();
      if (queueFullPolicy === "drop-newest") return;
      this.shift();
    }
    this.#messages.push(message);
    this.#count(bytes);
  }

  shift(): WaitingMessage | undefined {
    const message = this.#messages[this.#first];
    if (message === undefined) return undefined;
    this.#count(-sizeOf(message));
    this.#first += 1;
    if (this.#first === this.#messages.length) {
      this.#messages = [];
      this.#first = 0;
    } else if (this.#first >= TAKEN_KEPT_MAX && this.#first * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }

  /** Nobody waits for them any more. */
  clear(): void {
    this.#messages = [];
    this.#first = 0;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.queue(bytes);
  }
}

function sizeOf({ outgoing: { message } }: WaitingMessage): number {
  return messageBytes(message);
}
