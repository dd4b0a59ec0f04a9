/**
 * aedes's persistence over the log: sessions, queues, retained messages and wills in the durable map
 * `mqtt` of the log, the QoS 2 identifiers in its small state. Every method that aedes waits for
 * before it acknowledges resolves when the change is on disk.
 *
 * Contract: aedes-persistence 11, `abstract.js`, which is run against this class. Payloads of QoS 2
 * messages are not kept here: they are in the log, and aedes asks only whether one is known.
 */
import { Readable } from "node:stream";
import type { KeyValues } from "../../src/log/contract.ts";
import type { ReceivedIds } from "../qos2/received-ids.ts";
import {
  OutgoingQueues,
  type QueueEvents,
  type QueueLimits,
  type Receiver,
} from "./outgoing-queues.ts";
import { type RetainedLimits, RetainedMessages } from "./retained-messages.ts";
import type { StoredPacket } from "./stored-packet.ts";
import type { SessionSubscription } from "./subscription-trie.ts";
import {
  type ClientSubscription,
  Subscriptions,
  type SubscriptionsLimits,
} from "./subscriptions.ts";
import { Wills } from "./wills.ts";

export interface SessionClient {
  readonly id: string;
  readonly clean?: boolean;
  readonly closed?: boolean;
  readonly brokerId?: string;
}

/** What the persistence needs to know of the broker that it serves. */
export interface BrokerIdentity {
  id: string;
}

export interface LogPersistenceParts {
  readonly store: KeyValues;
  readonly receivedIds: ReceivedIds;
  readonly limits: QueueLimits & RetainedLimits & SubscriptionsLimits;
  readonly events: QueueEvents & { retainedRefused(topic: string): void };
}

export class LogPersistence {
  readonly subscriptions: Subscriptions;
  readonly queues: OutgoingQueues;
  readonly retained: RetainedMessages;
  readonly #wills: Wills;
  readonly #receivedIds: ReceivedIds;
  #broker: BrokerIdentity | undefined;
  #sealed = false;

  constructor({ store, receivedIds, limits, events }: LogPersistenceParts) {
    this.subscriptions = new Subscriptions(store, limits);
    this.queues = new OutgoingQueues(store, limits, events);
    this.retained = new RetainedMessages(store, limits, (topic) => events.retainedRefused(topic));
    this.#wills = new Wills(store);
    this.#receivedIds = receivedIds;
  }

  /** The broker that it serves; aedes's tests look at it. */
  get broker(): BrokerIdentity | undefined {
    return this.#broker;
  }

  async setup(broker: BrokerIdentity): Promise<void> {
    this.#broker = broker;
  }

  /** From here on clients leave because the gateway does: their sessions and wills stay. */
  seal(): void {
    this.#sealed = true;
  }

  async storeRetained(packet: StoredPacket): Promise<void> {
    await this.retained.store(packet);
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    return Readable.from(this.retained.matching(patterns));
  }

  async addSubscriptions(
    client: SessionClient,
    subscriptions: readonly ClientSubscription[],
  ): Promise<void> {
    await this.subscriptions.add(client.id, subscriptions);
  }

  async removeSubscriptions(client: SessionClient, filters: readonly string[]): Promise<void> {
    await this.subscriptions.remove(client.id, filters);
  }

  async subscriptionsByClient(client: SessionClient): Promise<ClientSubscription[]> {
    return this.subscriptions.ofClient(client.id);
  }

  async subscriptionsByTopic(topic: string): Promise<SessionSubscription[]> {
    return this.subscriptions.matching(topic);
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const { count, sessionCount } = this.subscriptions;
    return { subsCount: count, clientsCount: sessionCount };
  }

  /** CONNECT with a clean session [MQTT-3.1.2-6]: subscriptions go, and what was queued for them. */
  async cleanSubscriptions(client: SessionClient): Promise<void> {
    await Promise.all([this.subscriptions.clear(client.id), this.queues.clearAll(client.id)]);
  }

  getClientList(filter: string): Readable {
    return Readable.from(this.subscriptions.clientsOf(filter));
  }

  async outgoingEnqueue(receiver: Receiver, packet: StoredPacket): Promise<void> {
    await this.queues.enqueue([receiver], packet);
  }

  async outgoingEnqueueCombi(receivers: readonly Receiver[], packet: StoredPacket): Promise<void> {
    await this.queues.enqueue(receivers, packet);
  }

  async outgoingUpdate(client: SessionClient, packet: StoredPacket): Promise<void> {
    await this.queues.update(client.id, packet);
  }

  async outgoingClearMessageId(
    client: SessionClient,
    packet: StoredPacket,
  ): Promise<StoredPacket | undefined> {
    return await this.queues.clear(client.id, packet.messageId);
  }

  outgoingStream(client: SessionClient): Readable {
    return Readable.from(this.queues.packets(client.id));
  }

  /**
   * A PUBLISH (QoS 2): resolves where it needs a PUBREC alone, rejects where it is still to be
   * published to the subscribers, by whoever is told so. A PUBREL: resolves where it is known.
   */
  async incomingGetPacket(client: SessionClient, packet: StoredPacket): Promise<StoredPacket> {
    const { messageId = -1 } = packet;
    const handshake = this.#receivedIds.find(client.id, messageId);
    if (handshake === undefined) throw new Error("no such packet");
    await handshake.flushed;
    if (packet.cmd === "publish" && !handshake.claimed) {
      handshake.claimed = true;
      throw new Error("no such packet");
    }
    return { messageId };
  }

  /** Called after the ingest has opened the handshake; opens it where nobody has. */
  async incomingStorePacket(client: SessionClient, packet: StoredPacket): Promise<void> {
    const { messageId = -1 } = packet;
    const known = this.#receivedIds.find(client.id, messageId);
    if (known !== undefined) await known.flushed;
    else if (client.closed !== true) await this.#receivedIds.store(client.id, messageId);
  }

  async incomingDelPacket(client: SessionClient, packet: StoredPacket): Promise<void> {
    const released = await this.#receivedIds.release(client.id, packet.messageId ?? -1);
    if (!released) throw new Error("no such packet");
  }

  async cleanIncoming(client: SessionClient): Promise<void> {
    if (!this.#sealed) await this.#receivedIds.forget(client.id);
  }

  async putWill(client: SessionClient, packet: StoredPacket): Promise<void> {
    packet.clientId = client.id;
    if (this.#broker !== undefined) packet.brokerId = this.#broker.id;
    await this.#wills.put(client.id, packet);
  }

  async getWill(client: SessionClient): Promise<StoredPacket | undefined> {
    return this.#wills.get(client.id);
  }

  async delWill(client: SessionClient): Promise<StoredPacket | undefined> {
    return this.#sealed ? undefined : await this.#wills.remove(client.id, client.brokerId);
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(this.#wills.notOf(brokers));
  }

  async destroy(): Promise<void> {
    this.seal();
  }
}
