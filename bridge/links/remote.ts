/**
 * One connection to a remote broker, from CONNECT to its end; it is never reconnected, a new one is
 * dialled instead. Owner of the mqtt.js client and the only file that knows it.
 *
 * mqtt.js works on one packet at a time and acknowledges it before it looks at the next, so that
 * with a flush before each PUBACK one message would be in flight. Here it is shown every PUBLISH as
 * one of QoS 0, and no PUBREL at all: it acknowledges nothing, its hook `handleMessage` still holds
 * it back, and {@link Remote.acknowledge} answers as many as a flush has covered in one write.
 *
 * It keeps nothing of what it sends: the log does (see `outbound.ts`).
 */
import type { IClientOptions, IPublishPacket, MqttClient, Packet } from "mqtt";
import { messageOf } from "../../src/base/errors.ts";
import { PACKET_ID_MAX, type Qos } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { RemoteFailure } from "./remote-failure.ts";

/** What the remote sent, as it is on the wire. */
export interface RemoteMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Of QoS 1 and 2. */
  readonly packetId: number;
  readonly properties: IPublishPacket["properties"];
}

export interface OutMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly userProperties: Readonly<Record<string, string[]>> | undefined;
}

/** Who takes what comes; all are called in the order of the bytes. */
export interface RemoteListener {
  /** CONNACK; nothing of the session has come before it. */
  accepted(sessionPresent: boolean): void;
  message(remote: Remote, message: RemoteMessage): void;
  released(remote: Remote, packetId: number): void;
  /** Resolves when more may come; undefined: now. */
  room(): Promise<void> | undefined;
}

export type Acknowledgement = "puback" | "pubrec" | "pubcomp";
const FIRST_BYTES = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;
const FRAME_BYTES = 4;
const DISCONNECT = Buffer.from([0xe0, 0x00]);
const GOODBYE_MS_MAX = 500;

export class Remote {
  /** Resolves when the connection is gone, with what ended it. */
  readonly closed: Promise<RemoteFailure>;
  readonly version: 4 | 5;
  readonly #client: MqttClient;
  readonly #listener: RemoteListener;
  #sessionPresent = false;
  #open = true;
  #failure: RemoteFailure | undefined;
  #acknowledgements: { kind: Acknowledgement; packetId: number }[] = [];

  private constructor(client: MqttClient, version: 4 | 5, listener: RemoteListener) {
    this.#client = client;
    this.#listener = listener;
    this.version = version;
    client.handleMessage = (_packet, callback) => {
      const room = listener.room();
      if (room === undefined) callback();
      else void room.then(() => callback());
    };
    client.on("packetreceive", (packet) => this.#received(packet));
    client.on("disconnect", ({ reasonCode }) => {
      this.#failure ??= RemoteFailure.ofReasonCode("The remote ended the connection", reasonCode);
    });
    client.on("error", (error) => {
      this.#failure ??= RemoteFailure.of(error);
    });
    this.closed = new Promise((resolve) => {
      client.on("close", () => {
        this.#open = false;
        resolve(
          (this.#failure ??= new RemoteFailure("closed", "The remote closed the connection")),
        );
      });
    });
  }

  /** Resolves to an accepted connection. @throws {RemoteFailure} */
  static async dial(
    options: IClientOptions,
    version: 4 | 5,
    listener: RemoteListener,
    signal: AbortSignal,
  ): Promise<Remote> {
    const { connect } = await import("mqtt");
    signal.throwIfAborted();
    const client = connect({ ...options, protocolVersion: version });
    const remote = new Remote(client, version, listener);
    const abandon = () => client.end(true);
    const accepted = new Promise<void>((resolve) => client.once("connect", () => resolve()));
    signal.addEventListener("abort", abandon, { once: true });
    const failure = await Promise.race([accepted, remote.closed]);
    signal.removeEventListener("abort", abandon);
    if (failure instanceof RemoteFailure) throw failure;
    return remote;
  }

  /** False from the moment on in which nothing can be sent or acknowledged any more. */
  get open(): boolean {
    return this.#open;
  }

  get sessionPresent(): boolean {
    return this.#sessionPresent;
  }

  /** Messages of QoS 1 that the remote takes unacknowledged. */
  get receiveMaximum(): number {
    return this.#client.serverProperties?.receiveMaximum ?? PACKET_ID_MAX;
  }

  /** The largest packet that the remote takes, in bytes. */
  get packetBytesMax(): number {
    return this.#client.serverProperties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  }

  get retainAvailable(): boolean {
    return this.#client.serverProperties?.retainAvailable !== false;
  }

  get qosMax(): number {
    return this.#client.serverProperties?.maximumQoS ?? 2;
  }

  /**
   * Sends a message; `done` is called with its PUBACK (QoS 0: when it is written), or with what the
   * remote had against it. After the connection's end it may never be called.
   */
  publish(message: OutMessage, done: (failure: RemoteFailure | undefined) => void): void {
    const { topic, payload, qos, retain, userProperties } = message;
    const properties = userProperties === undefined ? {} : { properties: { userProperties } };
    this.#client.publish(topic, payload, { qos, retain, ...properties }, (error) => {
      done(error ? RemoteFailure.of(error) : undefined);
    });
  }

  /**
   * Resolves when the remote has taken it. No local: what this link publishes does not come back to
   * it. Retain handling 1: retained messages come where the subscription is new.
   * @throws {RemoteFailure}
   */
  async subscribe(filter: string, qos: Qos): Promise<void> {
    const options = this.version === 5 ? { qos, nl: true, rap: true, rh: 1 } : { qos };
    await this.#client.subscribeAsync(filter, options).catch(refuse);
  }

  /** @throws {RemoteFailure} */
  async unsubscribe(filter: string): Promise<void> {
    await this.#client.unsubscribeAsync(filter).catch(refuse);
  }

  /** Answers a message that {@link RemoteListener} was given; nothing, where it came too late. */
  acknowledge(kind: Acknowledgement, packetId: number): void {
    if (!this.#open) return;
    this.#acknowledgements.push({ kind, packetId });
    // All that one flush covers is answered in one turn: it leaves in one write.
    if (this.#acknowledgements.length === 1) setImmediate(() => this.#sendAcknowledgements());
  }

  /** Breaks the connection off: what is not acknowledged comes, or is sent, again on the next. */
  fail(failure: RemoteFailure): void {
    if (!this.#open) return;
    this.#open = false;
    this.#failure ??= failure;
    this.#client.end(true);
  }

  /**
   * Says goodbye; the session stays at the remote. The remote closes, for where we did while it is
   * still sending, our last acknowledgements could be lost on their way.
   */
  async end(): Promise<void> {
    if (!this.#open) return;
    this.#sendAcknowledgements();
    this.#open = false;
    this.#client.stream.end(DISCONNECT);
    const impatient = setTimeout(() => this.#client.end(true), GOODBYE_MS_MAX);
    await this.closed;
    clearTimeout(impatient);
  }

  #received(packet: Packet): void {
    if (packet.cmd === "connack") {
      this.#sessionPresent = packet.sessionPresent;
      const code = this.version === 5 ? packet.reasonCode : packet.returnCode;
      if (code === ReasonCode.success) this.#listener.accepted(packet.sessionPresent);
    } else if (packet.cmd === "publish") {
      const { topic, qos, retain, messageId = 0, properties } = packet;
      // A Buffer, as it comes from the parser; its type is that of what one may send.
      const payload = packet.payload as Buffer;
      packet.qos = 0;
      if (!this.#open) return;
      const message = { topic, payload, qos, retain, packetId: messageId, properties };
      this.#listener.message(this, message);
    } else if (packet.cmd === "pubrel") {
      // A packet that mqtt.js does not know is passed over.
      (packet as { cmd: string }).cmd = "pubrel, answered by us";
      if (this.#open) this.#listener.released(this, packet.messageId ?? 0);
    }
  }

  /** Success needs no more than the identifier, in MQTT 5 too [MQTT5, 3.4.2.1]. */
  #sendAcknowledgements(): void {
    const due = this.#acknowledgements;
    this.#acknowledgements = [];
    if (!this.#open || due.length === 0) return;
    const frames = Buffer.allocUnsafe(due.length * FRAME_BYTES);
    for (const [index, { kind, packetId }] of due.entries()) {
      const at = index * FRAME_BYTES;
      frames[at] = FIRST_BYTES[kind];
      frames[at + 1] = 2;
      frames.writeUInt16BE(packetId, at + 2);
    }
    this.#client.stream.write(frames);
  }
}

function refuse(error: unknown): never {
  throw error instanceof Error
    ? RemoteFailure.of(error)
    : new RemoteFailure("other", messageOf(error));
}
