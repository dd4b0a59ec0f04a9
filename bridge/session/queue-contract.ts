/**
 * What persistent sessions have still to receive or to acknowledge, on disk. One owner per client:
 * its session, which reads in order, sends, and removes what was acknowledged.
 *
 * Memory: a few hundred bytes a client, and nothing a message, however many are queued.
 */
import type { Message } from "../message.ts";
import type { Qos } from "../packets/packet.ts";

export interface QueuedMessage {
  readonly clientId: string;
  readonly message: Message;
  /** What it is delivered at: 1 or 2. */
  readonly qos: Qos;
  /** The RETAIN flag that the subscriber shall see. */
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[] | undefined;
}

/** A place in a client's queue: grows, and is never given twice for one client. */
export type Sequence = number;

export interface QueueEntry {
  readonly sequence: Sequence;
  /** Undefined once the subscriber has it and is owed a PUBREL alone. */
  readonly queued: QueuedMessage | undefined;
  /** The packet identifier that it was sent with, where that had to be written down (QoS 2). */
  readonly packetId: number | undefined;
}

export interface SessionQueues {
  /** Messages and bytes queued, for all clients. */
  readonly count: number;
  readonly bytes: number;
  countOf(clientId: string): number;

  /**
   * Queues each message for its client; answers their sequences at once (undefined: dropped by a
   * limit, and counted), and resolves `written` when they are on disk. One transaction.
   */
  enqueue(messages: readonly QueuedMessage[]): {
    readonly sequences: readonly (Sequence | undefined)[];
    readonly written: Promise<void>;
  };

  /**
   * A client's entries after `after` (0: from its first), in order, at most so many and so many
   * bytes (but one at least, where there is one). Includes what was enqueued and is not on disk yet.
   * Expired messages are left out, and removed.
   */
  read(clientId: string, after: Sequence, messagesMax: number, bytesMax: number): QueueEntry[];

  /**
   * Everything up to `upTo` has been sent, or is about to be: a full queue drops none of it. Kept
   * in memory; identifiers that were noted say the same, and outlive a restart.
   */
  protect(clientId: string, upTo: Sequence): void;

  /**
   * Notes identifiers of QoS 2 messages about to be sent, or (`released`) that the subscriber has a
   * message and a PUBREL goes out; resolves when that is on disk [MQTT-4.4.0-1]. One transaction.
   * What is not queued any more (removed, cleared, released) is passed over.
   */
  note(
    clientId: string,
    entries: readonly { sequence: Sequence; packetId: number; released: boolean }[],
  ): Promise<void>;

  /**
   * Removes what the subscriber has. Written behind, with what else is written: after a crash the
   * subscriber may get it again, as QoS 1 allows. Nothing that is written later is on disk without
   * it, so a packet identifier may be noted anew before this resolves.
   */
  remove(clientId: string, sequences: readonly Sequence[]): Promise<void>;

  /** The session ends: its queue goes; resolves when that is on disk. */
  clear(clientId: string): Promise<void>;

  /** After a start: clears the queues of all clients but these, which a crash left without session. */
  clearOthers(clientIds: Iterable<string>): Promise<void>;

  /** Resolves when everything so far is on disk; to be called before the log is closed. */
  close(): Promise<void>;
}
