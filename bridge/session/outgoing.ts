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
import type { SubscriberMemory } from "./subscriber-memory.ts";

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
  readonly memory: SubscriberMemory;
  readonly clock: Clock;
  readonly figures: BridgeFigures;
  /** A message was given up: the client's queue is full, or the message too large for it. */
  readonly dropped: (clientId: string) => void;
  /** What a subscriber has acknowledged could not be written down. */
  readonly failed: (error: unknown) => void;
}

/** What a client may end a delivery with; a PUBREC does where it refuses the message. */
export type Completion = "puback" | "pubrec" | "pubcomp";

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
  /**
   * `ready`: not sent yet; `again`: sent by an earlier connection alone; `releasing`: a PUBREC came,
   * and its PUBREL goes out when that is on disk.
   */
  state: "ready" | "again" | "sent" | "releasing" | "released";
}

/** A flight whose turn to be sent comes; `waiting`: its message, where that is at hand. */
interface Due {
  readonly flight: Flight;
  readonly waiting: WaitingMessage | undefined;
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
  /** To be sent before all others, as room comes: what an earlier connection has left. */
  #due: Due[] = [];
  /** The last entry of the disk's queue that was sent, or is about to be. */
  #readTo: Sequence = 0;
  #onDisk = 0;
  /** Their identifiers are being written down; nothing else is sent meanwhile. */
  #noting: readonly Due[] | undefined;
  /** Up to here identifiers may have been noted by a write that failed: they are noted again. */
  #noteAgainTo: Sequence = 0;

  constructor(clientId: string, parts: OutgoingParts) {
    this.#clientId = clientId;
    this.#parts = parts;
    this.#memory = new MemoryQueue(parts.limits, parts.memory, () => parts.dropped(clientId));
  }

  /** The session has ended: nothing is sent any more. */
  end(): void {
    this.#memory.clear();
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

  /**
   * The client is there: what was in flight is sent again, then what waits. PUBRELs wait for no
   * window [MQTT-3.3.4-8].
   */
  connect(connection: SubscriberConnection): void {
    this.#connection = connection;
    this.#due = [];
    const noting = new Set(this.#noting?.map(({ flight }) => flight));
    for (const flight of this.#flights.values()) {
      if (flight.state === "released") this.#sendRelease(flight.packetId);
      if (flight.state === "sent") flight.state = "again";
      if (flight.state !== "again" && flight.state !== "ready") continue;
      if (!noting.has(flight)) this.#due.push({ flight, waiting: undefined });
    }
    this.#pump();
  }

  /** The client is gone. */
  disconnect(): void {
    this.#connection = undefined;
    this.#due = [];
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

  /** False where no such message is in flight, or this is not how it ends. */
  complete(packetId: number, by: Completion): boolean {
    const flight = this.#flights.get(packetId);
    if (flight === undefined || !ends(flight, by)) return false;
    this.#flights.delete(packetId);
    if (flight.sequence !== undefined) this.#remove(flight.sequence);
    this.#pump();
    return true;
  }

  /** PUBREC: from here on the message is the client's. False where no such message is in flight. */
  release(packetId: number): boolean {
    const flight = this.#flights.get(packetId);
    if (flight === undefined || flight.qos !== 2 || flight.state === "ready") return false;
    if (flight.state === "releasing") return true;
    if (flight.state === "again") this.#due = this.#due.filter((due) => due.flight !== flight);
    const { sequence } = flight;
    if (flight.state === "released" || sequence === undefined) {
      flight.state = "released";
      this.#sendRelease(packetId);
      return true;
    }
    flight.state = "releasing";
    this.#parts.queues.note(this.#clientId, [{ sequence, packetId, released: true }]).then(
      () => {
        flight.state = "released";
        this.#sendRelease(packetId);
      },
      (error: unknown) => {
        flight.state = "sent";
        this.#parts.failed(error);
      },
    );
    return true;
  }

  /** How many more may be sent now: by the client's window, and by what waits in its socket. */
  get #room(): number {
    const connection = this.#connection;
    if (connection === undefined || connection.waitingBytes >= WAITING_BYTES_MAX) return 0;
    const { subscriberInflightMax } = this.#parts.limits;
    const window = Math.min(connection.terms.receiveMaximum, subscriberInflightMax);
    return window - (this.#flights.size - this.#due.length);
  }

  #pump(): void {
    while (this.#noting === undefined && this.#room > 0) {
      const due = this.#due.shift();
      if (due !== undefined) this.#sendDue(due);
      else if (!this.#sendFromMemory() && !this.#takeFromDisk()) return;
    }
  }

  #sendFromMemory(): boolean {
    const waiting = this.#memory.shift();
    if (waiting === undefined) return false;
    const packetId = this.#ids.next(this.#flights);
    this.#send(this.#begin(packetId, waiting.qos, undefined, "ready"), waiting);
    return true;
  }

  /** What is on disk becomes due; false where nothing is, or it must be written down first. */
  #takeFromDisk(): boolean {
    const { queues } = this.#parts;
    if (queues.countOf(this.#clientId) <= this.#onDisk) return false;
    const entries = this.#readable(
      queues.read(this.#clientId, this.#readTo, this.#room, READ_BYTES_MAX),
    );
    const last = entries.at(-1);
    if (last === undefined) return false;
    this.#readTo = last.sequence;
    queues.protect(this.#clientId, last.sequence);
    this.#onDisk += entries.length;
    const due = this.#prepare(entries);
    const notes = notesOf(entries, due, this.#noteAgainTo);
    if (notes.length === 0) {
      this.#due.push(...due);
      return true;
    }
    this.#noting = due;
    queues.note(this.#clientId, notes).then(
      () => {
        this.#noting = undefined;
        // Where the client has gone meanwhile, the next connection finds them among the flights.
        if (this.#connection !== undefined) this.#due.push(...due);
        this.#pump();
      },
      (error: unknown) => {
        this.#noting = undefined;
        this.#takeBack(due);
        this.#parts.failed(error);
      },
    );
    return false;
  }

  /** Entries up to one whose identifier is in use anew: that one waits until it is free. */
  #readable(entries: readonly QueueEntry[]): readonly QueueEntry[] {
    const clash = entries.findIndex(
      ({ packetId }) => packetId !== undefined && this.#flights.has(packetId),
    );
    return clash < 0 ? entries : entries.slice(0, clash);
  }

  /** An entry with an identifier was in flight when the gateway ended. */
  #prepare(entries: readonly QueueEntry[]): Due[] {
    const noted = new Set(entries.map(({ packetId }) => packetId));
    const isTaken = (id: number) => this.#flights.has(id) || noted.has(id);
    return entries.map(({ queued, sequence, packetId }) => {
      const id = packetId ?? this.#ids.next({ has: isTaken });
      const unreleased = packetId === undefined ? "ready" : "again";
      const state = queued === undefined ? "released" : unreleased;
      const flight = this.#begin(id, queued?.qos ?? 2, sequence, state);
      return { flight, waiting: queued === undefined ? undefined : waitingOf(queued) };
    });
  }

  /** Their identifiers could not be written down: they are read again when something moves. */
  #takeBack(due: readonly Due[]): void {
    const [first] = due;
    if (first?.flight.sequence === undefined) return;
    for (const { flight } of due) this.#flights.delete(flight.packetId);
    this.#onDisk -= due.length;
    this.#noteAgainTo = this.#readTo;
    this.#readTo = first.flight.sequence - 1;
  }

  #begin(
    packetId: number,
    qos: Qos,
    sequence: Sequence | undefined,
    state: Flight["state"],
  ): Flight {
    const flight: Flight = { packetId, qos, sequence, state };
    this.#flights.set(packetId, flight);
    return flight;
  }

  #sendDue({ flight, waiting }: Due): void {
    const { packetId, sequence = 0, state } = flight;
    if (state === "released") {
      this.#sendRelease(packetId);
      return;
    }
    if (waiting !== undefined) {
      this.#send(flight, waiting);
      return;
    }
    const [entry] = this.#parts.queues.read(this.#clientId, sequence - 1, 1, READ_BYTES_MAX);
    if (entry?.sequence !== sequence) {
      // It has expired meanwhile.
      this.#flights.delete(packetId);
      this.#onDisk -= 1;
    } else if (entry.queued === undefined) {
      // Its release could not be written down; another attempt.
      flight.state = "sent";
      this.release(packetId);
    } else {
      this.#send(flight, waitingOf(entry.queued));
    }
  }

  /** What expired, or is larger than the client takes, counts as sent and acknowledged. */
  #send(flight: Flight, waiting: WaitingMessage): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { packetId, sequence } = flight;
    const nowMs = this.#parts.clock.nowMs();
    const duplicate = flight.state === "again";
    const bytes = publishBytes(connection.terms, waiting, nowMs, { packetId, duplicate });
    if (typeof bytes !== "string") {
      flight.state = "sent";
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
    connection.send(encodePacket(packet, connection.terms.version));
  }

  #remove(sequence: Sequence): void {
    this.#onDisk -= 1;
    this.#parts.queues.remove(this.#clientId, [sequence]).catch(this.#parts.failed);
  }
}

/** A PUBACK ends QoS 1; QoS 2 ends with a PUBCOMP, or with a PUBREC that refuses it. */
function ends({ qos, state }: Flight, by: Completion): boolean {
  if (qos === 1) return by === "puback" && state === "sent";
  return by === "pubcomp" ? state === "released" : by === "pubrec" && state === "sent";
}

/** Identifiers of QoS 2 that must be on disk before they are sent with. */
function notesOf(entries: readonly QueueEntry[], due: readonly Due[], noteAgainTo: Sequence) {
  return entries.flatMap(({ queued, sequence, packetId }, at) => {
    const { flight } = due[at] as Due;
    const isNoted = packetId !== undefined && sequence > noteAgainTo;
    if (queued?.qos !== 2 || isNoted) return [];
    return [{ sequence, packetId: flight.packetId, released: false }];
  });
}

function waitingOf({ message, qos, retain, subscriptionIds }: QueuedMessage): WaitingMessage {
  return { outgoing: new OutgoingPublish(message), qos, retain, subscriptionIds };
}
