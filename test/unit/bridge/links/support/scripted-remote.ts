/**
 * A remote broker whose every packet the test decides: it accepts connections and subscriptions by
 * itself, remembers what comes, and sends what it is told to.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";
import { vi } from "vitest";
import { afterTest } from "../../support/bridges.ts";

export interface ScriptedRemoteOptions {
  readonly version?: 4 | 5;
  readonly sessionPresent?: boolean;
  /** Answers a PUBLISH of QoS 1 at once. */
  readonly acknowledges?: boolean;
  /** Of MQTT 5's CONNACK. */
  readonly properties?: object;
}

export class ScriptedRemote {
  readonly port: number;
  /** Everything that came, over all connections. */
  readonly packets: Packet[] = [];
  connections = 0;
  readonly #version: 4 | 5;
  #options: ScriptedRemoteOptions;
  #socket: Socket | undefined;

  private constructor(server: Server, options: ScriptedRemoteOptions) {
    this.port = (server.address() as { port: number }).port;
    this.#version = options.version ?? 5;
    this.#options = options;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async start(options: ScriptedRemoteOptions = {}): Promise<ScriptedRemote> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const remote = new ScriptedRemote(server, options);
    afterTest(async () => {
      remote.cut();
      server.close();
    });
    return remote;
  }

  /** From the next connection on. */
  configure(options: ScriptedRemoteOptions): void {
    this.#options = { ...this.#options, ...options };
  }

  of<Command extends Packet["cmd"]>(command: Command): Extract<Packet, { cmd: Command }>[] {
    return this.packets.filter((packet) => packet.cmd === command) as never;
  }

  /** Resolves when so many packets of a kind have come. */
  async until(command: Packet["cmd"], count: number): Promise<void> {
    await vi.waitUntil(() => this.of(command).length >= count, { timeout: 10_000, interval: 2 });
  }

  send(packet: Packet): void {
    this.#socket?.write(generate(packet, { protocolVersion: this.#version }));
  }

  sendMessage(qos: 0 | 1 | 2, messageId: number, topic: string, payload: string, more = {}): void {
    const flags = { dup: false, retain: false };
    this.send({ cmd: "publish", qos, messageId, topic, payload, ...flags, ...more } as Packet);
  }

  /** Breaks the connection. */
  cut(): void {
    this.#socket?.destroy();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    this.connections += 1;
    const incoming = parser({ protocolVersion: this.#version });
    incoming.on("packet", (packet: Packet) => {
      this.packets.push(packet);
      this.#answer(packet);
    });
    socket.on("data", (bytes) => incoming.parse(bytes));
    socket.on("error", () => {});
  }

  #answer(packet: Packet): void {
    const { sessionPresent = false, acknowledges = true, properties } = this.#options;
    if (packet.cmd === "connect") {
      const { protocolVersion } = packet;
      if (protocolVersion === 5 && this.#version === 4) {
        this.send({ cmd: "connack", returnCode: 1, sessionPresent: false });
        this.#socket?.end();
        return;
      }
      const success = { returnCode: 0, reasonCode: 0, ...(properties && { properties }) };
      this.send({ cmd: "connack", sessionPresent, ...success });
    } else if (packet.cmd === "subscribe") {
      const granted = packet.subscriptions.map(({ qos }) => qos);
      this.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted });
    } else if (packet.cmd === "unsubscribe") {
      this.send({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted: [0] } as Packet);
    } else if (packet.cmd === "publish" && packet.qos === 1 && acknowledges) {
      this.send({ cmd: "puback", messageId: packet.messageId ?? 0 });
    } else if (packet.cmd === "disconnect") {
      this.#socket?.end();
    }
  }
}
