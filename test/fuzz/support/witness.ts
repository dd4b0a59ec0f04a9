/**
 * Somebody who has nothing to do with it: a device that publishes at QoS 1 and a subscriber that
 * listens to it, of one version. What it was promised goes into its books: each acknowledged message
 * must be in the log and have reached the subscriber, in time.
 */
import type { ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { ANSWER_MS_MAX, connectOf } from "./arena.ts";
import type { FuzzGateway } from "./fuzz-gateway.ts";
import type { RawClient } from "./raw-client.ts";

const PAUSE_MS = 10;
const IN_FLIGHT_MAX = 50;
const PACKET_ID_MAX = 65_535;

export class Witness {
  readonly stream: string;
  readonly acknowledged = new Set<number>();
  readonly delivered = new Set<number>();
  readonly acknowledgeMs: number[] = [];
  readonly deliverMs: number[] = [];
  readonly #version: ProtocolVersion;
  readonly #publisher: RawClient;
  readonly #subscriber: RawClient;
  /** When each number was sent. */
  readonly #sentAtMs = new Map<number, number>();
  readonly #inFlight = new Map<number, number>();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(gateway: FuzzGateway, version: ProtocolVersion) {
    this.stream = `witness-${version}`;
    this.#version = version;
    this.#publisher = gateway.tcp(version);
    this.#subscriber = gateway.tcp(version);
  }

  static async start(gateway: FuzzGateway, version: ProtocolVersion): Promise<Witness> {
    const witness = new Witness(gateway, version);
    await witness.#connect();
    witness.#timer = setInterval(() => witness.#publish(), PAUSE_MS);
    return witness;
  }

  /** Neither of its connections has been closed. */
  get connected(): boolean {
    return !this.#publisher.closed && !this.#subscriber.closed;
  }

  /** Acknowledged, and not delivered. */
  get missing(): number {
    return [...this.acknowledged].filter((number) => !this.delivered.has(number)).length;
  }

  /** Sends nothing new; resolves when all is acknowledged and delivered, or the time is over. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await this.#publisher.until(() => this.#inFlight.size === 0, ANSWER_MS_MAX);
    await this.#subscriber.until(() => this.missing === 0, ANSWER_MS_MAX);
    this.#publisher.destroy();
    this.#subscriber.destroy();
  }

  async #connect(): Promise<void> {
    const { stream } = this;
    for (const [client, role] of [
      [this.#publisher, "publisher"],
      [this.#subscriber, "subscriber"],
    ] as const) {
      client.send(connectOf(this.#version, `${stream}-${role}`));
      await client.until(() => client.count("connack") > 0, ANSWER_MS_MAX);
    }
    this.#subscriber.onPacket = (packet) => {
      if (packet.type !== "publish") return;
      this.#delivered(packet.payload);
      const { packetId = 0 } = packet;
      this.#subscriber.send({ type: "puback", packetId, reasonCode: 0 });
    };
    this.#publisher.onPacket = (packet) => {
      if (packet.type === "puback") this.#acknowledged(packet.packetId, packet.reasonCode);
    };
    const plain = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscriptions = [{ filter: `witness/${stream}`, qos: 1, ...plain }] as const;
    this.#subscriber.send({ type: "subscribe", packetId: 1, subscriptions });
    await this.#subscriber.until(() => this.#subscriber.count("suback") > 0, ANSWER_MS_MAX);
  }

  #publish(): void {
    if (this.#inFlight.size >= IN_FLIGHT_MAX) return;
    const number = this.#next++;
    const packetId = (number % PACKET_ID_MAX) + 1;
    this.#inFlight.set(packetId, number);
    this.#sentAtMs.set(number, performance.now());
    this.#publisher.send({
      ...{ type: "publish", topic: `witness/${this.stream}`, qos: 1, packetId },
      ...{ payload: Buffer.from(`${this.stream} ${number} `), retain: false, duplicate: false },
    });
  }

  #acknowledged(packetId: number, reasonCode: number): void {
    const number = this.#inFlight.get(packetId);
    if (number === undefined || reasonCode >= 0x80) return;
    this.#inFlight.delete(packetId);
    this.acknowledged.add(number);
    this.acknowledgeMs.push(this.#sinceSent(number));
  }

  #delivered(payload: Buffer): void {
    const number = Number(payload.toString().split(" ")[1]);
    if (this.delivered.has(number)) return;
    this.delivered.add(number);
    this.deliverMs.push(this.#sinceSent(number));
  }

  #sinceSent(number: number): number {
    return performance.now() - (this.#sentAtMs.get(number) ?? 0);
  }
}
