/**
 * One client's queue as it is known in memory: order, origins, packet identifiers and sizes. The
 * packets themselves are on disk; see {@link OutgoingQueues}, the owner of every index.
 */
export interface QueueEntry {
  readonly sequence: number;
  /** Which message it is, whoever it is queued for; undefined where that is not known (a PUBREL). */
  readonly origin: string | undefined;
  readonly bytes: number;
  /** Given when the packet is sent. */
  messageId: number | undefined;
  /** The subscriber has the message; what is owed to it is a PUBREL. */
  released: boolean;
}

export class QueueIndex {
  /** The client's part of every key. */
  readonly client: string;
  /** By sequence, ascending. */
  readonly #entries = new Map<number, QueueEntry>();
  readonly #byOrigin = new Map<string, QueueEntry>();
  readonly #byMessageId = new Map<number, QueueEntry>();

  constructor(client: string) {
    this.client = client;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A copy: the queue may change while it is walked. */
  entries(): QueueEntry[] {
    return [...this.#entries.values()];
  }

  has(entry: QueueEntry): boolean {
    return this.#entries.get(entry.sequence) === entry;
  }

  byOrigin(origin: string): QueueEntry | undefined {
    return this.#byOrigin.get(origin);
  }

  byMessageId(messageId: number): QueueEntry | undefined {
    return this.#byMessageId.get(messageId);
  }

  /** The oldest that has not been sent yet: what a full queue drops. */
  oldestUnsent(): QueueEntry | undefined {
    for (const entry of this.#entries.values()) if (entry.messageId === undefined) return entry;
    return undefined;
  }

  add(entry: QueueEntry): void {
    this.#entries.set(entry.sequence, entry);
    if (entry.origin !== undefined) this.#byOrigin.set(entry.origin, entry);
    if (entry.messageId !== undefined) this.#claim(entry, entry.messageId);
  }

  identify(entry: QueueEntry, messageId: number): void {
    this.#unclaim(entry);
    entry.messageId = messageId;
    this.#claim(entry, messageId);
  }

  remove(entry: QueueEntry): void {
    this.#entries.delete(entry.sequence);
    if (entry.origin !== undefined) this.#byOrigin.delete(entry.origin);
    this.#unclaim(entry);
  }

  /** An identifier that two packets share (65,535 are soon round) stands for the older of them. */
  #claim(entry: QueueEntry, messageId: number): void {
    if (!this.#byMessageId.has(messageId)) this.#byMessageId.set(messageId, entry);
  }

  #unclaim({ sequence, messageId }: QueueEntry): void {
    if (messageId === undefined) return;
    if (this.#byMessageId.get(messageId)?.sequence === sequence) {
      this.#byMessageId.delete(messageId);
    }
  }
}
