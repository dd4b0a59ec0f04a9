/**
 * A device that never gives up: it publishes numbered messages over raw MQTT 3.1.1, keeps what is
 * unacknowledged over any number of broken connections, and sends it again with DUP, as the
 * specification has it [MQTT-4.4.0-1]. What it was told is acknowledged goes into its books, and
 * into nobody's memory but its own: it trusts nothing that the gateway says later.
 */
import { connect, type Socket } from "node:net";
import { generate, type IConnackPacket, type Packet, parser } from "mqtt-packet";

export interface SteadyPublisherOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly inFlightMax: number;
  /** Pads each payload to this many bytes. */
  readonly payloadBytes: number;
  /** Pauses between sends, so that a test's volume stays bounded; 0 = as fast as acknowledged. */
  readonly pauseMs: number;
  /** Where to go on after the publisher's own restart. */
  readonly resume?: PublisherState;
  readonly sent?: (number: number, packetId: number) => void;
  readonly received?: (number: number, packetId: number) => void;
  readonly acknowledged?: (number: number) => void;
}

export interface PublisherState {
  readonly nextNumber: number;
  readonly nextPacketId: number;
  readonly inFlight: readonly InFlight[];
}

export interface InFlight {
  readonly packetId: number;
  readonly number: number;
  /** QoS 2: the PUBREC came, PUBCOMP is awaited. */
  readonly received: boolean;
}

const RECONNECT_MS = 20;
const PACKET_ID_MAX = 65_535;

export class SteadyPublisher {
  /** Numbers for which the last acknowledgement (PUBACK or PUBCOMP) has come. */
  readonly acknowledged = new Set<number>();
  reconnects = 0;
  readonly #options: SteadyPublisherOptions;
  readonly #inFlight = new Map<number, { number: number; received: boolean }>();
  #nextNumber: number;
  #nextPacketId: number;
  #socket: Socket | undefined;
  #connected = false;
  #publishing = true;
  #running = true;
  #timer: NodeJS.Timeout | undefined;
  #drained: (() => void) | undefined;

  constructor(options: SteadyPublisherOptions) {
    this.#options = options;
    this.#nextNumber = options.resume?.nextNumber ?? 0;
    this.#nextPacketId = options.resume?.nextPacketId ?? 1;
    for (const { packetId, number, received } of options.resume?.inFlight ?? []) {
      this.#inFlight.set(packetId, { number, received });
    }
    this.#open();
  }

  /** How many messages were ever sent. */
  get sent(): number {
    return this.#nextNumber;
  }

  /** Sends nothing new; resolves when everything sent has been acknowledged. */
  async finish(): Promise<void> {
    this.#publishing = false;
    if (this.#inFlight.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.stop();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #open(): void {
    const { host, port, clientId } = this.#options;
    const socket = connect({ host, port });
    const incoming = parser({ protocolVersion: 4 });
    this.#socket = socket;
    incoming.on("packet", (packet: Packet) => this.#take(packet));
    incoming.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    socket.on("data", (bytes) => incoming.parse(bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
    socket.on("drain", () => this.#fill());
    socket.on("connect", () => {
      this.#write({
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: false,
        clientId,
        keepalive: 30,
      });
    });
  }

  #closed(): void {
    this.#connected = false;
    if (!this.#running) return;
    this.reconnects += 1;
    this.#timer = setTimeout(() => this.#open(), RECONNECT_MS);
  }

  #take(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        this.#resume(packet);
        return;
      case "puback":
      case "pubcomp":
        this.#settle(packet.messageId as number);
        return;
      case "pubrec":
        this.#recorded(packet.messageId as number);
        return;
      default:
    }
  }

  #resume(connack: IConnackPacket): void {
    if (connack.returnCode !== 0) {
      this.#socket?.destroy();
      return;
    }
    this.#connected = true;
    for (const [packetId, { number, received }] of this.#inFlight) {
      if (received) this.#write({ cmd: "pubrel", messageId: packetId });
      else this.#publish(packetId, number, true);
    }
    this.#fill();
  }

  #recorded(packetId: number): void {
    const waiting = this.#inFlight.get(packetId);
    if (waiting !== undefined) {
      waiting.received = true;
      this.#options.received?.(waiting.number, packetId);
    }
    this.#write({ cmd: "pubrel", messageId: packetId });
  }

  #settle(packetId: number): void {
    const waiting = this.#inFlight.get(packetId);
    if (waiting === undefined) return;
    this.#inFlight.delete(packetId);
    this.acknowledged.add(waiting.number);
    this.#options.acknowledged?.(waiting.number);
    if (this.#inFlight.size === 0) this.#drained?.();
    this.#fill();
  }

  #fill(): void {
    const { inFlightMax, pauseMs } = this.#options;
    while (
      this.#publishing &&
      this.#connected &&
      this.#inFlight.size < inFlightMax &&
      this.#socket?.writableNeedDrain === false
    ) {
      this.#sendNext();
      if (pauseMs === 0) continue;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#fill(), pauseMs);
      return;
    }
  }

  #sendNext(): void {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const packetId = this.#freePacketId();
    this.#inFlight.set(packetId, { number, received: false });
    this.#options.sent?.(number, packetId);
    this.#publish(packetId, number, false);
  }

  #freePacketId(): number {
    do {
      this.#nextPacketId = (this.#nextPacketId % PACKET_ID_MAX) + 1;
    } while (this.#inFlight.has(this.#nextPacketId));
    return this.#nextPacketId;
  }

  #publish(messageId: number, number: number, dup: boolean): void {
    const { topic, qos, clientId, payloadBytes } = this.#options;
    const payload = `${clientId} ${number} `.padEnd(payloadBytes, ".");
    this.#write({ cmd: "publish", topic, payload, qos, dup, retain: false, messageId });
  }

  #write(packet: Packet): void {
    if (this.#socket?.writable) this.#socket.write(generate(packet));
  }
}
