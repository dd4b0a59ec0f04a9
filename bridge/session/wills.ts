/**
 * The last will of each client: on disk while its client is connected, so that a crash of the
 * gateway does not swallow it; published when the client leaves without saying goodbye, at once or
 * after its delay, but no later than its session ends [MQTT-3.1.3-9].
 *
 * Whether its client may publish there is asked when it is published, by the rules of that time, also
 * where that is after a restart.
 */
import type { Principal } from "../../src/access/contract.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { LocalPublisher } from "../links/local-publisher.ts";
import type { Message } from "../message.ts";
import { messageBytes } from "../message-bytes.ts";
import type { WillMessage } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";
import type { WillAuthor, WillAuthors } from "./will-authors.ts";
import type { WillStore } from "./will-store.ts";

export interface WillsParts {
  readonly store: WillStore;
  readonly publisher: LocalPublisher;
  readonly authors: WillAuthors;
  readonly clock: Clock;
  /** After a restart, how long a client may take to come back before its will is published. */
  readonly graceMs: number;
  /** Of all wills together. */
  readonly bytesMax: number;
  readonly published: (clientId: string) => void;
  readonly failed: (clientId: string, error: unknown) => void;
}

interface Kept {
  readonly will: WillMessage;
  readonly author: WillAuthor;
  /** Undefined while its client is connected. */
  dueAtMs: number | undefined;
}

export class Wills {
  readonly #parts: WillsParts;
  readonly #kept = new Map<string, Kept>();
  /** Those of clients that are gone: they alone come due. */
  readonly #waiting = new Map<string, Kept>();
  #bytes = 0;

  constructor(parts: WillsParts) {
    this.#parts = parts;
    const graceEndsAtMs = parts.clock.nowMs() + parts.graceMs;
    for (const { clientId, will, dueAtMs, author } of parts.store.load()) {
      const delayMs = (will.delaySeconds ?? 0) * 1000;
      const due = dueAtMs ?? graceEndsAtMs + delayMs;
      const dueAt = Math.max(due, graceEndsAtMs);
      this.#keep(clientId, { will, author: parts.authors.recalled(author), dueAtMs: dueAt });
    }
  }

  /** Topics, payloads and properties, and who left them. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The client has connected: what was left of its last will is over; resolves when on disk.
   * @throws ProtocolRefusal where all wills together take as much as they may
   */
  async replace(
    clientId: string,
    will: WillMessage | undefined,
    principal: Principal,
  ): Promise<void> {
    if (will === undefined) {
      await this.discard(clientId);
      return;
    }
    const author = this.#parts.authors.of(principal);
    const kept = { will, author, dueAtMs: undefined };
    this.#checkRoom(clientId, kept);
    this.#keep(clientId, kept);
    try {
      await this.#put(clientId, kept);
    } catch (error) {
      this.#drop(clientId);
      throw error;
    }
  }

  /** The client has said goodbye, or is back. */
  async discard(clientId: string): Promise<void> {
    if (this.#drop(clientId)) await this.#parts.store.remove(clientId);
  }

  /** The client is gone. Resolves when its will is published, or its delay on disk. */
  async leave(clientId: string): Promise<void> {
    const kept = this.#kept.get(clientId);
    if (kept === undefined) return;
    const delayMs = (kept.will.delaySeconds ?? 0) * 1000;
    if (delayMs === 0) {
      await this.#publish(clientId, kept);
      return;
    }
    kept.dueAtMs = this.#parts.clock.nowMs() + delayMs;
    this.#waiting.set(clientId, kept);
    await this.#put(clientId, kept);
  }

  /** Its session has ended: what waited for its delay waits no longer. */
  sessionEnded(clientId: string): void {
    const kept = this.#waiting.get(clientId);
    if (kept !== undefined) void this.#publish(clientId, kept);
  }

  /** Publishes those that are due. */
  sweep(nowMs: number): void {
    for (const [clientId, kept] of this.#waiting) {
      if ((kept.dueAtMs ?? 0) <= nowMs) void this.#publish(clientId, kept);
    }
  }

  #put(clientId: string, { will, author, dueAtMs }: Kept): Promise<void> {
    return this.#parts.store.put({ clientId, will, dueAtMs, author: author.remembered });
  }

  #checkRoom(clientId: string, kept: Kept): void {
    const { bytesMax } = this.#parts;
    const before = this.#kept.get(clientId);
    const others = this.#bytes - (before === undefined ? 0 : bytesOf(before));
    if (others + bytesOf(kept) <= bytesMax) return;
    const message = `All wills together would take more than ${bytesMax} bytes (willBytesMax).`;
    throw new ProtocolRefusal("limit", ReasonCode.quotaExceeded, message);
  }

  #keep(clientId: string, kept: Kept): void {
    this.#drop(clientId);
    this.#kept.set(clientId, kept);
    if (kept.dueAtMs !== undefined) this.#waiting.set(clientId, kept);
    this.#bytes += bytesOf(kept);
  }

  /** False where there was none. */
  #drop(clientId: string): boolean {
    const kept = this.#kept.get(clientId);
    if (kept === undefined) return false;
    this.#bytes -= bytesOf(kept);
    this.#waiting.delete(clientId);
    return this.#kept.delete(clientId);
  }

  /** On disk until it is in the log: a crash in between may publish it twice. */
  async #publish(clientId: string, kept: Kept): Promise<void> {
    this.#drop(clientId);
    const { publisher, store, published, failed, clock } = this.#parts;
    const { topic } = kept.will;
    try {
      if (!kept.author.mayPublish(clientId, topic)) {
        const message = `The client may not publish to its will's topic "${topic}" any more.`;
        failed(clientId, new ProtocolRefusal("not-authorized", ReasonCode.notAuthorized, message));
      } else {
        await publisher.publish(messageOf(kept.will, clientId, clock.nowMs()));
        published(clientId);
      }
      if (!this.#kept.has(clientId)) await store.remove(clientId);
    } catch (error) {
      failed(clientId, error);
    }
  }
}

function bytesOf({ will, author }: Kept): number {
  return messageBytes(will) + (author.remembered?.length ?? 0);
}

function messageOf(will: WillMessage, clientId: string, nowMs: number): Message {
  const { topic, payload, qos, retain, properties, messageExpirySeconds } = will;
  const expiresAtMs =
    messageExpirySeconds === undefined ? undefined : nowMs + messageExpirySeconds * 1000;
  return { topic, payload, qos, retain, properties, expiresAtMs, publisher: clientId };
}
