/**
 * The QoS 2 packet identifiers received and not yet released, per client: what makes a message that
 * comes again be appended once [MQTT-4.3.3-2]. Durable as small state of the log, in the same
 * transaction as the record, under `qos2/<client key>/<packet identifier>`; mirrored here.
 *
 * Those of a session that ends with its connection are kept in memory alone.
 *
 * They are bounded. A few each client has to itself; of the others, which all share, one may have no
 * more than it leaves free. So those who send no PUBRELs cannot take all, however many they are, and a
 * lone client can have half. A client of MQTT 5 is told a window besides (publishing.ts); one of
 * MQTT 3 knows of none and sends what it has at once, its PUBRELs behind it: not to read it would be to
 * wait for ever, so nothing else bounds it.
 *
 * The state's one byte says how far the message got: 0 = appended, 1 = also with its subscribers'
 * sessions. After a crash a message of state 0 that comes again is not appended again, but is
 * published to its subscribers, as nobody knows whether it was.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { Log } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";

const PREFIX = "qos2/";
const APPENDED = Uint8Array.of(0);
const PUBLISHED = Uint8Array.of(1);

export interface ReceivedIdsLimits {
  /** What a client may have in any case, beside the ones that all share. */
  readonly qos2ReservedPerClient: number;
  /** What all share. */
  readonly qos2InflightMax: number;
}

/** One message between its PUBLISH and its PUBREL. */
export class Handshake {
  /** Where its state stands; undefined where it is in memory alone. */
  readonly stateKey: string | undefined;
  /** Settles with its message; undefined once it has. */
  settling: PromiseWithResolvers<void> | undefined;
  /** Nothing of it is left to be done for its subscribers. */
  published: boolean;

  constructor(stateKey: string | undefined, from: "received" | "appended" | "published") {
    this.stateKey = stateKey;
    this.published = from === "published";
    this.settling = from === "received" ? Promise.withResolvers<void>() : undefined;
    this.settling?.promise.catch(() => {});
  }

  /** What is to be written with the record. */
  get state(): { readonly key: string; readonly value: () => Uint8Array } | undefined {
    const { stateKey } = this;
    if (stateKey === undefined) return undefined;
    return { key: stateKey, value: () => (this.published ? PUBLISHED : APPENDED) };
  }
}

export class ReceivedIds {
  readonly #log: Log;
  readonly #limits: ReceivedIdsLimits;
  readonly #clients = new Map<string, Map<number, Handshake>>();
  #count = 0;
  /** Those beyond what each client has to itself. */
  #shared = 0;

  constructor(log: Log, limits: ReceivedIdsLimits) {
    this.#log = log;
    this.#limits = limits;
    for (const [stateKey, value] of log.state.entries(PREFIX)) {
      const [, client = "", packetId = ""] = stateKey.split("/");
      const from = value[0] === PUBLISHED[0] ? "published" : "appended";
      this.#put(client, Number(packetId), new Handshake(stateKey, from));
    }
  }

  /** Handshakes open now, of all clients. */
  get count(): number {
    return this.#count;
  }

  countOf(clientId: string): number {
    return this.#clients.get(clientKey(clientId))?.size ?? 0;
  }

  find(clientId: string, packetId: number): Handshake | undefined {
    return this.#clients.get(clientKey(clientId))?.get(packetId);
  }

  /**
   * Opens the handshake of a message received for the first time; the caller puts its state.
   * @throws LIMIT_EXCEEDED
   */
  open(clientId: string, packetId: number, persistent: boolean): Handshake {
    const client = clientKey(clientId);
    const { qos2InflightMax, qos2ReservedPerClient } = this.#limits;
    const count = this.#clients.get(client)?.size ?? 0;
    const beyondOwn = count - qos2ReservedPerClient;
    if (beyondOwn >= 0 && beyondOwn >= qos2InflightMax - this.#shared) {
      throw new TributaryError(
        "LIMIT_EXCEEDED",
        `The client has ${count} QoS 2 messages without a PUBREL, and leaves others no more of ` +
          `the ${qos2InflightMax} that all share (qos2InflightMax).`,
      );
    }
    const stateKey = persistent ? `${PREFIX}${client}/${packetId}` : undefined;
    const handshake = new Handshake(stateKey, "received");
    this.#put(client, packetId, handshake);
    return handshake;
  }

  /** Its message has been kept, and its subscribers' sessions have it; or it has not been kept. */
  settle(clientId: string, packetId: number, handshake: Handshake, failure: unknown): void {
    const { settling } = handshake;
    handshake.settling = undefined;
    if (failure === undefined) {
      this.markPublished(clientId, packetId, handshake);
      settling?.resolve();
      return;
    }
    this.drop(clientId, packetId, handshake);
    settling?.reject(failure);
  }

  /** Undoes {@link open}: the message was not kept. */
  drop(clientId: string, packetId: number, handshake: Handshake): void {
    const client = clientKey(clientId);
    if (this.#clients.get(client)?.get(packetId) === handshake) this.#delete(client, packetId);
  }

  /** Needs no flush of its own (see above). */
  markPublished(clientId: string, packetId: number, handshake: Handshake): void {
    if (handshake.published) return;
    handshake.published = true;
    if (handshake.stateKey === undefined || this.find(clientId, packetId) !== handshake) return;
    this.#log.group().putState(handshake.stateKey, PUBLISHED);
  }

  /** PUBREL: forgets the identifier; resolves when that is on disk. False where it was not known. */
  async release(clientId: string, packetId: number): Promise<boolean> {
    const client = clientKey(clientId);
    const handshake = this.#clients.get(client)?.get(packetId);
    if (handshake === undefined) return false;
    this.#delete(client, packetId);
    if (handshake.stateKey === undefined) return true;
    const group = this.#log.group();
    group.putState(handshake.stateKey, undefined);
    try {
      await group.flushed;
    } catch (error) {
      if (this.find(clientId, packetId) === undefined) this.#put(client, packetId, handshake);
      throw error;
    }
    return true;
  }

  /** The session ends [MQTT-3.1.2-6]: forgets all of a client's; resolves when that is on disk. */
  async forget(clientId: string): Promise<void> {
    const client = clientKey(clientId);
    const handshakes = this.#clients.get(client);
    if (handshakes === undefined) return;
    this.#count -= handshakes.size;
    this.#shared -= Math.max(0, handshakes.size - this.#limits.qos2ReservedPerClient);
    this.#clients.delete(client);
    const group = this.#log.group();
    let durable = false;
    for (const { stateKey } of handshakes.values()) {
      if (stateKey === undefined) continue;
      group.putState(stateKey, undefined);
      durable = true;
    }
    // A group that nothing was put into would never be flushed.
    if (durable) await group.flushed;
  }

  #put(client: string, packetId: number, handshake: Handshake): void {
    let handshakes = this.#clients.get(client);
    if (handshakes === undefined) {
      handshakes = new Map();
      this.#clients.set(client, handshakes);
    }
    handshakes.set(packetId, handshake);
    this.#count += 1;
    if (handshakes.size > this.#limits.qos2ReservedPerClient) this.#shared += 1;
  }

  #delete(client: string, packetId: number): void {
    const handshakes = this.#clients.get(client);
    if (handshakes?.delete(packetId) !== true) return;
    this.#count -= 1;
    if (handshakes.size >= this.#limits.qos2ReservedPerClient) this.#shared -= 1;
    if (handshakes.size === 0) this.#clients.delete(client);
  }
}
