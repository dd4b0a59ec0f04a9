/**
 * The identifiers of a remote's QoS 2 messages that we have and that it has not released: what makes
 * a message that comes again be published once [MQTT-4.3.3-2]. Small state of the log, written in
 * the transaction of the record itself, under `links/<link>/received/<packet identifier>`; mirrored
 * here.
 *
 * With each stands a digest of its message. A remote may not give an identifier to another message
 * before it has been told that the last one is complete, but Mosquitto 2.0.11 does when much waits
 * for an absent client: what has another digest is another message, and must not be lost.
 *
 * Bounded by the number of identifiers, 65,535.
 */
import { createHash } from "node:crypto";
import type { Log } from "../../src/log/contract.ts";
import type { DurableMark } from "./local-publisher.ts";
import type { RemoteMessage } from "./remote.ts";

const DIGEST_BYTES = 8;
const ON_DISK = Promise.resolve();

interface Received {
  readonly digest: string;
  readonly flushed: Promise<void>;
}

export class ReceivedIds {
  readonly #log: Log;
  readonly #prefix: string;
  readonly #received = new Map<number, Received>();
  /** Released, but that is not on disk yet. */
  readonly #releasing = new Map<number, Promise<void>>();

  constructor(log: Log, link: string) {
    this.#log = log;
    this.#prefix = `links/${link}/received/`;
    for (const [key, value] of log.state.entries(this.#prefix)) {
      const digest = Buffer.from(value).toString("hex");
      this.#received.set(Number(key.slice(this.#prefix.length)), { digest, flushed: ON_DISK });
    }
  }

  /**
   * Settles with the flush of a message that we have; `new`: we do not have it; `reused`: nor that,
   * though its identifier is that of one which is not released.
   */
  known(message: RemoteMessage): Promise<void> | "new" | "reused" {
    const received = this.#received.get(message.packetId);
    if (received === undefined) return "new";
    return received.digest === digestOf(message).toString("hex") ? received.flushed : "reused";
  }

  /** What is to be written with the record of a new message. */
  mark(message: RemoteMessage): DurableMark {
    return { key: this.#prefix + message.packetId, value: digestOf(message) };
  }

  /** A new message is on its way to the disk; where that fails, it may come again. */
  add(message: RemoteMessage, flushed: Promise<void>): void {
    const { packetId } = message;
    this.#received.set(packetId, { digest: digestOf(message).toString("hex"), flushed });
    flushed.catch(() => {
      if (this.#received.get(packetId)?.flushed === flushed) this.#received.delete(packetId);
    });
  }

  /**
   * The remote has released an identifier and may give it to another message as soon as it is told
   * so: resolves when that may be.
   */
  async release(packetId: number): Promise<void> {
    if (this.#received.delete(packetId)) {
      const flushed = this.#remove([packetId]);
      this.#releasing.set(packetId, flushed);
      const forget = () => {
        if (this.#releasing.get(packetId) === flushed) this.#releasing.delete(packetId);
      };
      flushed.then(forget, forget);
    }
    await this.#releasing.get(packetId);
  }

  /**
   * The remote has begun a new session: its identifiers begin anew. What is put for a new message
   * comes after this in the log's order, so there is no need to wait.
   */
  clear(): void {
    if (this.#received.size === 0) return;
    const packetIds = [...this.#received.keys()];
    this.#received.clear();
    this.#remove(packetIds).catch(() => {});
  }

  #remove(packetIds: readonly number[]): Promise<void> {
    const group = this.#log.group();
    for (const packetId of packetIds) group.putState(this.#prefix + packetId, undefined);
    return group.flushed;
  }
}

/** Of what does not change when a message is sent again. */
function digestOf({ topic, payload }: RemoteMessage): Buffer {
  const hash = createHash("sha256").update(topic).update("\0").update(payload);
  return hash.digest().subarray(0, DIGEST_BYTES);
}
