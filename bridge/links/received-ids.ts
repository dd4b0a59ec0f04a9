/**
 * The identifiers of a remote's QoS 2 messages that we have and that it has not released: what makes
 * a message that comes again be published once [MQTT-4.3.3-2]. Small state of the log, written in
 * the transaction of the record itself, under `links/<link>/received/<packet identifier>`; mirrored
 * here.
 *
 * Bounded by what the remote may have in flight: the link's receive maximum, or with MQTT 3.1.1 the
 * remote's own limit, at the very most 65,535.
 */
import type { Log } from "../../src/log/contract.ts";
import type { DurableMark } from "./local-publisher.ts";

const RECEIVED = Uint8Array.of(1);
const ON_DISK = Promise.resolve();

export class ReceivedIds {
  readonly #log: Log;
  readonly #prefix: string;
  /** Each with the flush of its record. */
  readonly #received = new Map<number, Promise<void>>();
  /** Released, but that is not on disk yet. */
  readonly #releasing = new Map<number, Promise<void>>();

  constructor(log: Log, link: string) {
    this.#log = log;
    this.#prefix = `links/${link}/received/`;
    for (const [key] of log.state.entries(this.#prefix)) {
      this.#received.set(Number(key.slice(this.#prefix.length)), ON_DISK);
    }
  }

  get count(): number {
    return this.#received.size;
  }

  /** Undefined where the message is new; else settles with the flush of the one we have. */
  known(packetId: number): Promise<void> | undefined {
    return this.#received.get(packetId);
  }

  /** What is to be written with the record of a new message. */
  mark(packetId: number): DurableMark {
    return { key: this.#prefix + packetId, value: RECEIVED };
  }

  /** A new message is on its way to the disk; where that fails, it may come again. */
  add(packetId: number, flushed: Promise<void>): void {
    this.#received.set(packetId, flushed);
    flushed.catch(() => {
      if (this.#received.get(packetId) === flushed) this.#received.delete(packetId);
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
