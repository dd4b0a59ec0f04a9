/**
 * What one session is sent at QoS 1 and 2, and what it has still to acknowledge. Messages come from
 * the session's queue on disk where it outlives its connection, else from a bounded one in memory;
 * at most a window of them is in flight.
 *
 *     QoS 1   PUBLISH -> PUBACK              QoS 2   PUBLISH -> PUBREC -> PUBREL -> PUBCOMP
 *
 * Invariants: messages leave in the order in which they came [MQTT-4.6.0-6]; an identifier of QoS 2
 * is on disk before it is sent with, and so is its release; what was in flight when a connection
 * ended is sent again first by the next, with the same identifiers [MQTT-4.4.0-1].
 */
import type { Clock } from "../../src/base/clock.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { DeliveryTerms } from "../delivery/audience.ts";
import { encodePacket } from "../packets/encode.ts";
import { OutgoingPublish } from "../packets/outgoing-publish.ts";
import type { Qos } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { MemoryQueue, type WaitingMessage } from "./memory-queue.ts";
import { PacketIds } from "./packet-ids.ts";
import { publishBytes } from "./publish-bytes.ts";
import type { QueuedMessage, QueueEntry, Sequence, SessionQueues } from "./queue-contract.ts";
import type { SubscriberConnection } from "./subscriber-connection.ts";

export interface OutgoingLimits {
  /** QoS 1 and 2 messages in flight to one client, whatever it would take. */
  readonly subscriberInflightMax: number;
  readonly queuedMessagesPerClientMax: number;
  readonly subscriberBufferBytesMax: number;
  readonly queueFullPolicy: "drop-oldest" | "drop-newest";
}

export interface OutgoingParts {
  readonly queues: SessionQueues;
  readonly limits: OutgoingLimits;
  readonly clock: Clock;
  readonly figures: BridgeFigures;
  /** A message was given up: the client's queue is full, or the message too large for it. */
  readonly dropped: (clientId: string) => void;
  /** What a subscriber has acknowledged could not be written down. */
  readonly failed: (error: unknown) => void;
}

/**
 * One message (or, once released, its PUBREL) that the client has not acknowledged. The message
 * itself is not kept: one on disk is read again where it must be sent again, and a session that ends
 * with its connection never sends again.
 */
interface Flight {
  readonly packetId: number;
  readonly qos: Qos;
  /** Its place in the queue on disk; undefined where it came from memory. */
  readonly sequence: Sequence | undefined;
  released: boolean;
}

/** How much is read from disk at a time. */
const READ_BYTES_MAX = 256 * 1024;
/** Nothing more is sent while so much waits in the client's socket. */
const WAITING_BYTES_MAX = 1024 * 1024;

export class Outgoing {
  readonly #clientId: string;
  readonly #parts: OutgoingParts;
  /** By packet identifier, in the order of sending. */
  readonly #flights = new Map<number, Flight>();
  readonly #ids = new PacketIds();
  readonly #memory: MemoryQueue;
  #connection: SubscriberConnection | undefined;
  /** Of the last connection's flights, those that this one has not been sent. */
  #again: Flight[] = [];
  /** The last entry of the disk's queue that was sent, or is about to be. */
  #readTo: Sequence = 0;
  #onDisk = 0;
  #noting = false;

  constructor(clientId: string, parts: OutgoingParts) {
    this.#clientId = clientId;
    this.#parts = parts;
    this.#memory = new MemoryQueue(parts.limits, () => parts.dropped(clientId));
  }

  /** Another message would be sent at once. */
  get hasRoom(): boolean {
    return this.#room > 0 && this.#memory.count === 0;
  }

  /** Messages that wait for their turn. */
  get waiting(): number {
    const onDisk = this.#parts.queues.countOf(this.#clientId) - this.#onDisk;
    return this.#memory.count + Math.max(0, onDisk);
  }

  /** The client is there: what was in flight is sent again, then what waits. */
  connect(connection: SubscriberConnection): void {
    this.#connection = connection;
    this.#again = [...this.#flights.values()];
    this.#pump();
  }

  /** The client is gone. */
  disconnect(): void {
    this.#connection = undefined;
    this.#again = [];
  }

  /** Sends a message that is not on disk, or lets it wait its turn in memory. */
  deliver(outgoing: OutgoingPublish, terms: DeliveryTerms, qos: Qos, retain: boolean): void {
    this.#memory.push({ outgoing, qos, retain, subscriptionIds: terms.subscriptionIds });
    this.#pump();
  }

  /** The queue on disk has more, or the connection has room again. */
  wake(): void {
    this.#pump();
  }

  /** PUBACK, PUBCOMP, or a PUBREC that refuses. False where no such message is in flight. */
  complete(packetId: number): boolean {
    const flight = this.#flights.get(packetId);
    if (flight === undefined) return false;
    this.#flights.delete(packetId);
    if (flight.sequence !== undefined) this.#remove(flight.sequence);
    this.#pump();
    return true;
  }

  /** PUBREC: from here on the message is the client's. False where no such message is in flight. */
  release(packetId: number): boolean {
    const flight = this.#flights.get(packetId);
    if (flight === undefined || flight.qos !== 2) return false;
    const { sequence, released } = flight;
    flight.released = true;
    if (released || sequence === undefined) {
      this.#sendRelease(packetId);
      return true;
    }
    this.#parts.queues.note(this.#clientId, [{ sequence, packetId, released: true }]).then(
      () => this.#sendRelease(packetId),
      (error: unknown) => this.#parts.failed(error),
    );
    return true;
  }

  /** How many more may be sent now: by the client's window, and by what waits in its socket. */
  get #room(): number {
    const connection = this.#connection;
    if (connection === undefined || connection.waitingBytes >= WAITING_BYTES_MAX) return 0;
    const { subscriberInflightMax } = this.#parts.limits;
    const window = Math.min(connection.receiveMaximum, subscriberInflightMax);
    return window - (this.#flights.size - this.#again.length);
  }

  #pump(): void {
    while (!this.#noting && this.#room > 0) {
      const again = this.#again.shift();
      if (again !== undefined) this.#sendAgain(again);
      else if (!this.#sendFromMemory() && !this.#sendFromDisk()) return;
    }
  }

  #sendFromMemory(): boolean {
    const waiting = this.#memory.shift();
    if (waiting === undefined) return false;
    const flight = this.#begin(this.#ids.next(this.#flights), waiting.qos, undefined, false);
    this.#send(flight, waiting, false);
    return true;
  }

  /** False where there is nothing to send, or it must be written down first. */
  #sendFromDisk(): boolean {
    const { queues } = this.#parts;
    if (queues.countOf(this.#clientId) <= this.#onDisk) return false;
    const entries = queues.read(this.#clientId, this.#readTo, this.#room, READ_BYTES_MAX);
    const last = entries.at(-1);
    if (last === undefined) return false;
    this.#readTo = last.sequence;
    queues.protect(this.#clientId, last.sequence);
    this.#onDisk += entries.length;
    const flights = entries.map((entry) => this.#prepare(entry));
    const notes = flights
      .filter(([{ queued, packetId }]) => queued?.qos === 2 && packetId === undefined)
      .map(([{ sequence }, { packetId }]) => ({ sequence, packetId, released: false }));
    if (notes.length === 0) {
      for (const [entry, flight] of flights) this.#sendEntry(entry, flight);
      return true;
    }
    this.#noting = true;
    queues.note(this.#clientId, notes).then(
      () => {
        this.#noting = false;
        for (const [entry, flight] of flights) this.#sendEntry(entry, flight);
        this.#pump();
      },
      (error: unknown) => this.#parts.failed(error),
    );
    return false;
  }

  /** An entry with an identifier was in flight when the gateway ended. */
  #prepare(entry: QueueEntry): readonly [QueueEntry, Flight] {
    const { queued, sequence } = entry;
    const packetId = entry.packetId ?? this.#ids.next(this.#flights);
    const flight = this.#begin(packetId, queued?.qos ?? 2, sequence, queued === undefined);
    return [entry, flight];
  }

  #begin(packetId: number, qos: Qos, sequence: Sequence | undefined, released: boolean): Flight {
    const flight = { packetId, qos, sequence, released };
    this.#flights.set(packetId, flight);
    return flight;
  }

  #sendEntry({ queued, packetId }: QueueEntry, flight: Flight): void {
    if (queued === undefined) this.#sendRelease(flight.packetId);
    else this.#send(flight, waitingOf(queued), packetId !== undefined);
  }

  #sendAgain(flight: Flight): void {
    if (flight.released) {
      this.#sendRelease(flight.packetId);
      return;
    }
    const { sequence = 0 } = flight;
    const [entry] = this.#parts.queues.read(this.#clientId, sequence - 1, 1, READ_BYTES_MAX);
    if (entry?.sequence === sequence && entry.queued !== undefined) {
      this.#send(flight, waitingOf(entry.queued), true);
      return;
    }
    // It has expired meanwhile.
    this.#flights.delete(flight.packetId);
    this.#onDisk -= 1;
  }

  /** What expired, or is larger than the client takes, counts as sent and acknowledged. */
  #send(flight: Flight, waiting: WaitingMessage, duplicate: boolean): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { packetId, sequence } = flight;
    const nowMs = this.#parts.clock.nowMs();
    const bytes = publishBytes(connection, waiting, nowMs, { packetId, duplicate });
    if (typeof bytes !== "string") {
      this.#parts.figures.delivered += 1;
      connection.send(bytes);
      return;
    }
    if (bytes === "too-large") this.#parts.dropped(this.#clientId);
    this.#flights.delete(packetId);
    if (sequence !== undefined) this.#remove(sequence);
  }

  #sendRelease(packetId: number): void {
    const connection = this.#connection;
    if (connection === undefined || !this.#flights.has(packetId)) return;
    const packet = { type: "pubrel", packetId, reasonCode: ReasonCode.success } as const;
    connection.send(encodePacket(packet, connection.version));
  }

  #remove(sequence: Sequence): void {
    this.#onDisk -= 1;
    this.#parts.queues.remove(this.#clientId, [sequence]).catch(this.#parts.failed);
  }
}

function waitingOf({ message, qos, retain, subscriptionIds }: QueuedMessage): WaitingMessage {
  return { outgoing: new OutgoingPublish(message), qos, retain, subscriptionIds };
}
