/**
 * The QoS 2 packet identifiers received and not yet released, per client: what makes a message that
 * comes again be appended once [MQTT-4.3.3-2]. Durable as small state of the log, in the same
 * transaction as the record, under `qos2/<client key>/<packet identifier>`; mirrored here.
 *
 * A clean session's identifiers end with its connection, so they are kept in memory alone.
 *
 * The state's one byte says how far the message got: 0 = appended, 1 = also queued for absent
 * subscribers. After a crash a message of state 0 that comes again is not appended again, but is
 * published to the subscribers, as nobody knows whether it was.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { Log } from "../../src/log/contract.ts";
import { clientKey } from "../client-key.ts";

const PREFIX = "qos2/";
const APPENDED = Uint8Array.of(0);
const QUEUED = Uint8Array.of(1);

export interface ReceivedIdsLimits {
  readonly qos2InflightPerClientMax: number;
  readonly qos2InflightMax: number;
}

/** One message between its PUBLISH and its PUBREL. */
export class Handshake {
  /** Where its state stands; undefined in a clean session. */
  readonly stateKey: string | undefined;
  /** Settles with the flush of its state. */
  readonly flushed: Promise<void>;
  /** Somebody publishes it to the subscribers, or has done so. */
  claimed: boolean;
  /** Nothing of it is left to be queued for absent subscribers. */
  queued: boolean;
  #settle: ((failure: unknown) => void) | undefined;

  constructor(stateKey: string | undefined, from: "received" | "appended" | "queued") {
    this.stateKey = stateKey;
    this.claimed = from === "queued";
    this.queued = from === "queued";
    if (from !== "received") {
      this.flushed = Promise.resolve();
      return;
    }
    this.flushed = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.flushed.catch(() => {});
  }

  /** What is to be written with the record; undefined in a clean session. */
  get state(): { readonly key: string; readonly value: () => Uint8Array } | undefined {
    const { stateKey } = this;
    if (stateKey === undefined) return undefined;
    return { key: stateKey, value: () => (this.queued ? QUEUED : APPENDED) };
  }

  settle(failure: unknown): void {
    this.#settle?.(failure);
  }
}

export class ReceivedIds {
  readonly #log: Log;
  readonly #limits: ReceivedIdsLimits;
  readonly #clients = new Map<string, Map<number, Handshake>>();
  #count = 0;

  constructor(log: Log, limits: ReceivedIdsLimits) {
    this.#log = log;
    this.#limits = limits;
    for (const [stateKey, value] of log.state.entries(PREFIX)) {
      const [, client = "", packetId = ""] = stateKey.split("/");
      const from = value[0] === QUEUED[0] ? "queued" : "appended";
      this.#put(client, Number(packetId), new Handshake(stateKey, from));
    }
  }

  /** Handshakes open now, of all clients. */
  get count(): number {
    return this.#count;
  }

  find(clientId: string, packetId: number): Handshake | undefined {
    return this.#clients.get(clientKey(clientId))?.get(packetId);
  }

  /**
   * Opens the handshake of a message received for the first time; the caller puts its state.
   * @throws LIMIT_EXCEEDED
   */
  open(clientId: string, packetId: number, cleanSession: boolean): Handshake {
    const client = clientKey(clientId);
    const { qos2InflightPerClientMax, qos2InflightMax } = this.#limits;
    if ((this.#clients.get(client)?.size ?? 0) >= qos2InflightPerClientMax) {
      throw new TributaryError(
        "LIMIT_EXCEEDED",
        `The client has ${qos2InflightPerClientMax} QoS 2 messages without a PUBREL ` +
          "(qos2InflightPerClientMax).",
      );
    }
    if (this.#count >= qos2InflightMax) {
      throw new TributaryError(
        "LIMIT_EXCEEDED",
        `The gateway holds ${qos2InflightMax} QoS 2 messages without a PUBREL ` +
          "(qos2InflightMax).",
      );
    }
    const stateKey = cleanSession ? undefined : `${PREFIX}${client}/${packetId}`;
    const handshake = new Handshake(stateKey, "received");
    this.#put(client, packetId, handshake);
    return handshake;
  }

  /** Opens a handshake without a record of its own; resolves when it is on disk. */
  async store(clientId: string, packetId: number): Promise<void> {
    const handshake = this.open(clientId, packetId, false);
    handshake.claimed = true;
    const group = this.#log.group();
    const { state } = handshake;
    if (state !== undefined) group.putState(state.key, state.value);
    try {
      await group.flushed;
    } catch (error) {
      this.drop(clientId, packetId, handshake);
      handshake.settle(error);
      throw error;
    }
    handshake.settle(undefined);
  }

  /** Undoes {@link open}: the message was not kept. */
  drop(clientId: string, packetId: number, handshake: Handshake): void {
    const client = clientKey(clientId);
    if (this.#clients.get(client)?.get(packetId) === handshake) this.#delete(client, packetId);
  }

  /** Notes that absent subscribers have it; needs no flush of its own (see above). */
  markQueued(handshake: Handshake, clientId: string, packetId: number): void {
    handshake.queued = true;
    if (handshake.stateKey === undefined || this.find(clientId, packetId) !== handshake) return;
    this.#log.group().putState(handshake.stateKey, QUEUED);
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
  }

  #delete(client: string, packetId: number): void {
    const handshakes = this.#clients.get(client);
    if (handshakes?.delete(packetId) !== true) return;
    this.#count -= 1;
    if (handshakes.size === 0) this.#clients.delete(client);
  }
}
