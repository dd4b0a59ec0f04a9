/**
 * What persistent sessions have still to receive or to acknowledge, in order, per client:
 *
 *     queue/<client key>/<sequence, 12 hex digits>      the packet
 *     inflight/<client key>/<sequence>                  kind u8 (0 PUBLISH, 1 PUBREL), packet id u16 BE
 *
 * The second exists once the packet has been sent; a PUBREL has no packet left. A full queue drops
 * by `queueFullPolicy`; whatever is dropped here is still in the log.
 */
import type { KeyValues, StateValue } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";
import { type QueueEntry, QueueIndex } from "./queue-index.ts";
import { decodePacket, encodePacket, type StoredPacket } from "./stored-packet.ts";

export interface QueueLimits {
  readonly queuedMessagesPerClientMax: number;
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  readonly queueFullPolicy: "drop-oldest" | "drop-newest";
}

export interface Receiver {
  readonly clientId: string;
  /** The subscription's: the message is not sent at a higher one [MQTT-3.8.4-6]. */
  readonly qos?: number | undefined;
}

export interface QueueEvents {
  dropped(clientId: string): void;
  /** A write that nobody waits for has failed. */
  failed(error: unknown): void;
}

type Change = [key: string, value: StateValue];

const SEQUENCE_DIGITS = 12;
const PUBLISH = 0;
const PUBREL = 1;
/** Writes that nobody waits for; beyond it, whoever comes next does. */
const WRITES_BEHIND_MAX = 1_000;

export class OutgoingQueues {
  readonly #store: KeyValues;
  readonly #limits: QueueLimits;
  readonly #events: QueueEvents;
  /** By client key. */
  readonly #queues = new Map<string, QueueIndex>();
  #nextSequence = 1;
  #count = 0;
  #bytes = 0;
  #writesBehind = 0;

  constructor(store: KeyValues, limits: QueueLimits, events: QueueEvents) {
    this.#store = store;
    this.#limits = limits;
    this.#events = events;
    this.#load();
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Queues `packet` once for each client; resolves when that is on disk. Again: changes nothing. */
  async enqueue(receivers: readonly Receiver[], packet: StoredPacket): Promise<void> {
    if (receivers.length === 0) return;
    const origin = originOf(packet);
    const values = new Map<number, Buffer>();
    const changes: Change[] = [];
    for (const [clientId, qos] of highestQos(receivers, packet.qos ?? 0)) {
      const queue = this.#queue(clientKey(clientId));
      if (origin !== undefined && queue.byOrigin(origin) !== undefined) continue;
      let value = values.get(qos);
      if (value === undefined) {
        value = encodePacket(queuedPacket(packet, qos));
        values.set(qos, value);
      }
      if (!this.#makeRoom(clientId, queue, value.length, changes)) continue;
      const sequence = this.#nextSequence;
      this.#nextSequence += 1;
      const bytes = value.length;
      this.#add(queue, { sequence, origin, bytes, messageId: undefined, released: false });
      changes.push([keyOf("queue", queue, sequence), value]);
    }
    if (changes.length > 0) await this.#store.write(changes);
  }

  /**
   * Notes the packet identifier that a queued message is sent with, or that it has become a PUBREL.
   * QoS 2 must know its identifier again after a crash [MQTT-4.4.0-1]: that is waited for.
   * @throws where no such packet is queued
   */
  async update(clientId: string, packet: StoredPacket): Promise<void> {
    const queue = this.#queues.get(clientKey(clientId));
    const { messageId, cmd, qos } = packet;
    const origin = originOf(packet);
    const sent = origin === undefined ? undefined : queue?.byOrigin(origin);
    const entry = sent ?? (messageId === undefined ? undefined : queue?.byMessageId(messageId));
    if (queue === undefined || entry === undefined || messageId === undefined) {
      throw new Error("no such packet");
    }
    queue.identify(entry, messageId);
    const changes: Change[] = [];
    if (sent === undefined && cmd === "pubrel") {
      entry.released = true;
      changes.push([keyOf("queue", queue, entry.sequence), undefined]);
    }
    changes.push([keyOf("inflight", queue, entry.sequence), inflightValue(entry)]);
    const written = this.#store.write(changes);
    if (qos === 1 && !entry.released) await this.#behind(written);
    else await written;
  }

  /** The subscriber has it: answers the packet, where one was sent with that identifier. */
  async clear(clientId: string, messageId: number | undefined): Promise<StoredPacket | undefined> {
    const queue = this.#queues.get(clientKey(clientId));
    const entry = messageId === undefined ? undefined : queue?.byMessageId(messageId);
    if (queue === undefined || entry === undefined) return undefined;
    const packet = this.#read(queue, entry);
    // Should this be lost in a crash, the subscriber gets the message again, as QoS 1 allows.
    await this.#behind(this.#store.write(this.#remove(queue, entry)));
    return packet;
  }

  /** The session ends: its queue goes. Resolves when that is on disk. */
  async clearAll(clientId: string): Promise<void> {
    const queue = this.#queues.get(clientKey(clientId));
    if (queue === undefined) return;
    const changes = queue.entries().flatMap((entry) => this.#remove(queue, entry));
    if (changes.length > 0) await this.#store.write(changes);
  }

  /** What is queued for a client now, in order, read from disk one by one. */
  *packets(clientId: string): Generator<StoredPacket> {
    const queue = this.#queues.get(clientKey(clientId));
    for (const entry of queue?.entries() ?? []) {
      if (queue === undefined || !queue.has(entry)) continue;
      const packet = this.#read(queue, entry);
      if (packet !== undefined) yield packet;
    }
  }

  #read(queue: QueueIndex, entry: QueueEntry): StoredPacket | undefined {
    const { messageId, released, sequence } = entry;
    if (released) return { cmd: "pubrel", messageId };
    const value = this.#store.get(keyOf("queue", queue, sequence));
    return value === undefined ? undefined : { ...decodePacket(value), messageId };
  }

  #queue(client: string): QueueIndex {
    let queue = this.#queues.get(client);
    if (queue === undefined) {
      queue = new QueueIndex(client);
      this.#queues.set(client, queue);
    }
    return queue;
  }

  #add(queue: QueueIndex, entry: QueueEntry): void {
    queue.add(entry);
    this.#queues.set(queue.client, queue);
    this.#count += 1;
    this.#bytes += entry.bytes;
  }

  #remove(queue: QueueIndex, entry: QueueEntry): Change[] {
    queue.remove(entry);
    if (queue.size === 0) this.#queues.delete(queue.client);
    this.#count -= 1;
    this.#bytes -= entry.bytes;
    return [
      [keyOf("queue", queue, entry.sequence), undefined],
      [keyOf("inflight", queue, entry.sequence), undefined],
    ];
  }

  /** False where the new message itself is the one that gives way. */
  #makeRoom(clientId: string, queue: QueueIndex, bytes: number, changes: Change[]): boolean {
    const { queuedMessagesPerClientMax, queuedMessagesMax, queuedBytesMax } = this.#limits;
    while (
      queue.size >= queuedMessagesPerClientMax ||
      this.#count >= queuedMessagesMax ||
      this.#bytes + bytes > queuedBytesMax
    ) {
      this.#events.dropped(clientId);
      if (this.#limits.queueFullPolicy === "drop-newest") return false;
      const oldest = queue.oldestUnsent();
      if (oldest === undefined) return false;
      changes.push(...this.#remove(queue, oldest));
    }
    return true;
  }

  async #behind(written: Promise<void>): Promise<void> {
    this.#writesBehind += 1;
    const done = written
      .catch((error: unknown) => this.#events.failed(error))
      .finally(() => {
        this.#writesBehind -= 1;
      });
    if (this.#writesBehind > WRITES_BEHIND_MAX) await done;
  }

  #load(): void {
    const entries = new Map<string, QueueEntry>();
    for (const [key, value] of this.#store.entries({ start: "queue/", end: "queue0" })) {
      const origin = originOf(decodePacket(value));
      const bytes = value.length;
      const sequence = sequenceOf(key);
      const entry = { sequence, origin, bytes, messageId: undefined, released: false };
      entries.set(key.slice("queue/".length), entry);
    }
    for (const [key, value] of this.#store.entries({ start: "inflight/", end: "inflight0" })) {
      const stored = Buffer.from(value);
      const sent = { messageId: stored.readUInt16BE(1), released: stored[0] === PUBREL };
      const place = key.slice("inflight/".length);
      const queued = entries.get(place) ?? {
        sequence: sequenceOf(key),
        origin: undefined,
        bytes: 0,
      };
      entries.set(place, { ...queued, ...sent });
    }
    for (const place of [...entries.keys()].sort()) {
      const entry = entries.get(place) as QueueEntry;
      this.#add(this.#queue(place.slice(0, place.indexOf("/"))), entry);
      this.#nextSequence = Math.max(this.#nextSequence, entry.sequence + 1);
    }
  }
}

/** Which message it is, whoever it is queued for. */
function originOf({ brokerId, brokerCounter }: StoredPacket): string | undefined {
  if (brokerId === undefined || brokerCounter === undefined) return undefined;
  return `${brokerId}/${brokerCounter}`;
}

/** Overlapping subscriptions of one client are served once, at the highest of their QoS. */
function highestQos(receivers: readonly Receiver[], packetQos: number): Map<string, number> {
  const highest = new Map<string, number>();
  for (const { clientId, qos = packetQos } of receivers) {
    const granted = Math.min(qos, packetQos);
    highest.set(clientId, Math.max(highest.get(clientId) ?? 0, granted));
  }
  return highest;
}

/** The packet identifier is the publisher's business: the subscriber gets its own when it is sent. */
function queuedPacket(packet: StoredPacket, qos: number): StoredPacket {
  const { cmd = "publish", retain = false, dup = false } = packet;
  const queued: StoredPacket = { cmd, qos, retain, dup };
  const { brokerId, brokerCounter, topic, payload, nl, properties, messageExpiry } = packet;
  if (brokerId !== undefined) queued.brokerId = brokerId;
  if (brokerCounter !== undefined) queued.brokerCounter = brokerCounter;
  if (topic !== undefined) queued.topic = topic;
  if (payload !== undefined) queued.payload = payload;
  if (nl !== undefined) queued.nl = nl;
  if (properties !== undefined) queued.properties = properties;
  if (messageExpiry !== undefined) queued.messageExpiry = messageExpiry;
  return queued;
}

function keyOf(kind: "queue" | "inflight", queue: QueueIndex, sequence: number): string {
  return `${kind}/${queue.client}/${sequence.toString(16).padStart(SEQUENCE_DIGITS, "0")}`;
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(-SEQUENCE_DIGITS), 16);
}

function inflightValue({ messageId = 0, released }: QueueEntry): Buffer {
  const value = Buffer.alloc(3);
  value.writeUInt8(released ? PUBREL : PUBLISH, 0);
  value.writeUInt16BE(messageId, 1);
  return value;
}
