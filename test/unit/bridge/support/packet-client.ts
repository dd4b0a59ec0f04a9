/**
 * A client that speaks in packets, of any version, and does nothing by itself: what it sends and
 * what came back is exactly what the test says and sees.
 */
import { connect as connectSocket, type Socket } from "node:net";
import { decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { FixedHeader } from "../../../../bridge/packets/fixed-header.ts";
import type {
  ClientPacket,
  ConnackPacket,
  ConnectPacket,
  ProtocolVersion,
  PublishPacket,
  ServerPacket,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
} from "../../../../bridge/packets/packet.ts";
import { afterTest } from "./bridges.ts";

const WAIT_MS_MAX = 5_000;

type PacketOf<Type, Packet = ServerPacket> = Packet extends { readonly type: infer Types }
  ? Type extends Types
    ? Packet
    : never
  : never;

export class PacketClient {
  readonly version: ProtocolVersion;
  readonly socket: Socket;
  /** Those that came and that the test has not taken. */
  readonly waiting: ServerPacket[] = [];
  closed = false;
  #bytes = Buffer.alloc(0);
  #packetId = 0;
  #moved = Promise.withResolvers<void>();

  constructor(port: number, version: ProtocolVersion = 5) {
    this.version = version;
    this.socket = connectSocket({ host: "127.0.0.1", port });
    this.socket.on("data", (chunk) => this.#received(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      this.#tell();
    });
    afterTest(async () => {
      this.socket.destroy();
    });
  }

  /** Connected, its CONNACK taken. */
  static async connected(
    port: number,
    options: Partial<ConnectPacket> = {},
  ): Promise<PacketClient> {
    const client = new PacketClient(port, options.protocolVersion);
    const { reasonCode } = await client.connect(options);
    if (reasonCode !== 0) throw new Error(`refused with ${reasonCode}`);
    return client;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  send(...packets: ClientPacket[]): void {
    this.write(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))));
  }

  nextId(): number {
    this.#packetId += 1;
    return this.#packetId;
  }

  async connect(options: Partial<ConnectPacket> = {}): Promise<ConnackPacket> {
    this.send(connectPacket({ protocolVersion: this.version, ...options }));
    return await this.take("connack");
  }

  async subscribe(
    filters: string | readonly (string | Partial<SubscriptionRequest>)[],
    options: Partial<SubscriptionRequest & Pick<SubscribePacket, "subscriptionId">> = {},
  ): Promise<SubackPacket> {
    const { subscriptionId, ...defaults } = options;
    const subscriptions = (typeof filters === "string" ? [filters] : filters).map((wanted) => ({
      filter: "#",
      qos: 2 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      ...defaults,
      ...(typeof wanted === "string" ? { filter: wanted } : wanted),
    }));
    const id = subscriptionId === undefined ? {} : { subscriptionId };
    this.send({ type: "subscribe", packetId: this.nextId(), subscriptions, ...id });
    return await this.take("suback");
  }

  /** Publishes, at QoS 1 where nothing else is said, and waits until the gateway has answered. */
  async publish(
    topic: string,
    payload = "",
    options: Partial<PublishPacket> = {},
  ): Promise<ServerPacket | undefined> {
    const packet = publishPacket(topic, payload, { packetId: this.nextId(), ...options });
    this.send(packet);
    if (packet.qos === 0) return undefined;
    if (packet.qos === 1) return await this.take("puback");
    const received = await this.take("pubrec");
    if (received.reasonCode >= 0x80) return received;
    this.send({ type: "pubrel", packetId: packet.packetId ?? 0, reasonCode: 0 });
    return await this.take("pubcomp");
  }

  /** The next packet, which must be of this type. */
  async take<Type extends ServerPacket["type"]>(type: Type): Promise<PacketOf<Type>> {
    const packet = await this.next();
    if (packet?.type !== type) throw new Error(`${JSON.stringify(packet)} came, not ${type}`);
    return packet as PacketOf<Type>;
  }

  /** The next packet; undefined: the connection has ended. */
  async next(): Promise<ServerPacket | undefined> {
    const until = Date.now() + WAIT_MS_MAX;
    while (this.waiting.length === 0 && !this.closed) await this.#move(until);
    return this.waiting.shift();
  }

  /** The next message, acknowledged as its QoS asks for. */
  async receive(): Promise<PublishPacket> {
    const packet = await this.take("publish");
    const { qos, packetId = 0 } = packet;
    if (qos === 1) this.send({ type: "puback", packetId, reasonCode: 0 });
    if (qos < 2) return packet;
    this.send({ type: "pubrec", packetId, reasonCode: 0 });
    await this.take("pubrel");
    this.send({ type: "pubcomp", packetId, reasonCode: 0 });
    return packet;
  }

  /** All that came before the answer to a PINGREQ that is sent now. */
  async untilPong(): Promise<ServerPacket[]> {
    this.send({ type: "pingreq" });
    const before: ServerPacket[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet === undefined) throw new Error("the connection has ended");
      if (packet.type === "pingresp") return before;
      before.push(packet);
    }
  }

  /** Everything that comes until the gateway closes the connection. */
  async untilClosed(): Promise<ServerPacket[]> {
    const packets: ServerPacket[] = [];
    for (let packet = await this.next(); packet !== undefined; packet = await this.next()) {
      packets.push(packet);
    }
    return packets;
  }

  /** Says goodbye, and waits until the connection is closed. */
  async leave(goodbye: Partial<ClientPacket & { type: "disconnect" }> = {}): Promise<void> {
    this.send({ type: "disconnect", reasonCode: 0, ...goodbye });
    await this.untilClosed();
  }

  /** Is gone without a word. */
  vanish(): void {
    this.socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const header = new FixedHeader();
    while (header.read(this.#bytes, 0, this.version) && header.end <= this.#bytes.length) {
      this.waiting.push(decodeServerPacket(this.#bytes.subarray(0, header.end), this.version));
      this.#bytes = this.#bytes.subarray(header.end);
    }
    this.#tell();
  }

  #tell(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers<void>();
  }

  async #move(until: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setTimeout(() => reject(new Error("nothing came in time")), until - Date.now());
    });
    try {
      await Promise.race([this.#moved.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

let named = 0;

export function connectPacket(options: Partial<ConnectPacket> = {}): ConnectPacket {
  named += 1;
  return {
    type: "connect",
    protocolVersion: 5,
    clientId: `client-${named}`,
    cleanStart: true,
    keepAliveSeconds: 0,
    ...options,
  };
}

export function publishPacket(
  topic: string,
  payload: string | Buffer,
  options: Partial<PublishPacket> = {},
): PublishPacket {
  const { packetId, ...rest } = { qos: 1 as const, ...options };
  return {
    type: "publish",
    topic,
    payload: Buffer.from(payload as string),
    retain: false,
    duplicate: false,
    ...rest,
    ...(rest.qos > 0 && { packetId: packetId ?? 1 }),
  };
}

/** Topics and payloads of the messages among `packets`, as a test compares them. */
export function messagesIn(packets: readonly ServerPacket[]): string[] {
  return packets.flatMap((packet) =>
    packet.type === "publish" ? [`${packet.topic} ${packet.payload.toString()}`] : [],
  );
}
