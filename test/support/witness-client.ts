/**
 * An MQTT client of one version that says one packet at a time and waits for its answer, as
 * mqtt-packet writes and reads them: another implementation than the gateway's own.
 */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type Packet,
  type Parser,
  parser,
} from "mqtt-packet";

export type SpokenVersion = 4 | 5;
type Command = Packet["cmd"];
type Answer<C extends Command> = Extract<Packet, { cmd: C }>;

const ANSWER_MS_MAX = 10_000;

export class WitnessClient {
  readonly version: SpokenVersion;
  readonly stream: Duplex;
  /** Everything that came, in order. */
  readonly received: Packet[] = [];
  closed = false;
  readonly #parser: Parser;
  #wake = () => {};

  constructor(stream: Duplex, version: SpokenVersion) {
    this.stream = stream;
    this.version = version;
    this.#parser = parser({ protocolVersion: version });
    this.#parser.on("packet", (packet: Packet) => {
      this.received.push(packet);
      this.#wake();
    });
    stream.on("data", (bytes: Buffer) => this.#parser.parse(bytes));
    stream.on("error", () => {});
    stream.once("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  async connect(more: Partial<IConnectPacket> & { clientId: string }): Promise<IConnackPacket> {
    const protocol = { protocolId: "MQTT", protocolVersion: this.version } as const;
    this.say({ cmd: "connect", ...protocol, clean: true, keepalive: 0, ...more });
    return await this.answer("connack");
  }

  say(packet: Packet): void {
    this.stream.write(generate(packet, { protocolVersion: this.version }));
  }

  /** The next packet of that kind. @throws where the connection is closed before it comes */
  async answer<C extends Command>(command: C): Promise<Answer<C>> {
    const from = this.received.findIndex(({ cmd }) => cmd === command);
    if (from >= 0) return this.received.splice(from, 1)[0] as Answer<C>;
    if (this.closed) throw new Error(`closed before the ${command}`);
    await this.#news(command);
    return await this.answer(command);
  }

  /** Resolves when the gateway has ended the connection. */
  async ended(): Promise<void> {
    if (!this.closed)
      await once(this.stream, "close", { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  }

  /** Everything that was sent has been answered. */
  async settled(): Promise<void> {
    this.say({ cmd: "pingreq" });
    await this.answer("pingresp");
  }

  #news(awaited: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${awaited} came`)), ANSWER_MS_MAX);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
