/**
 * The load of the MQTT benches, a process of its own: raw sockets, frames encoded beforehand, and
 * no more work for an acknowledgement than counting it, so that the server is what is measured.
 *
 *     node blast.ts HOST PORT '{"connections":10,"inFlight":500,"payloadBytes":100,"seconds":5,
 *                               "qos":1,"ratePerSecond":0}'
 *
 * It prints one line of JSON: messages acknowledged, seconds, and latencies in milliseconds.
 */
import { connect, type Socket } from "node:net";
import { generate } from "mqtt-packet";

export interface BlastOptions {
  readonly connections: number;
  /** Unacknowledged messages a connection keeps on the way. */
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  readonly qos: 0 | 1;
  /** All connections together; 0 = as fast as acknowledged. */
  readonly ratePerSecond: number;
}

export interface BlastResult {
  readonly messages: number;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PUBACK = 0x40;
const PUBACK_BYTES = 4;
const WARM_UP_MS = 1000;
const PACE_MS = 5;

class Publisher {
  acknowledged = 0;
  readonly latenciesMs: number[] = [];
  readonly #socket: Socket;
  readonly #frame: Buffer;
  readonly #idAt: number;
  readonly #options: BlastOptions;
  readonly #sentAtMs = new Float64Array(65_536);
  #packetId = 0;
  #pending = 0;
  #allowance: number;
  #rest: Buffer = Buffer.alloc(0);
  #connected = false;

  constructor(socket: Socket, number: number, options: BlastOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#allowance = options.ratePerSecond > 0 ? 0 : Number.POSITIVE_INFINITY;
    const topic = `bench/device-${number}`;
    this.#frame = Buffer.from(
      generate({
        cmd: "publish",
        topic,
        payload: Buffer.alloc(options.payloadBytes, "x"),
        qos: options.qos,
        dup: false,
        retain: false,
        ...(options.qos > 0 ? { messageId: 1 } : {}),
      } as Parameters<typeof generate>[0]),
    );
    this.#idAt = this.#frame.length - options.payloadBytes - 2;
  }

  /** Connects the session; resolves with the CONNACK. */
  async open(number: number): Promise<void> {
    this.#socket.setNoDelay(true);
    this.#socket.write(
      generate({
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: true,
        clientId: `blast-${process.pid}-${number}`,
        keepalive: 60,
      }),
    );
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.once("data", (bytes) => {
        if (bytes[0] !== 0x20 || bytes[3] !== 0) reject(new Error("the session was refused"));
        this.#connected = true;
        resolve();
      });
    });
    this.#socket.on("data", (bytes) => this.#take(bytes));
    this.#socket.on("drain", () => this.send());
  }

  allow(messages: number): void {
    this.#allowance += messages;
    this.send();
  }

  send(): void {
    const { inFlight, qos } = this.#options;
    if (!this.#connected || this.#socket.writableNeedDrain) return;
    const room = qos > 0 ? inFlight - this.#pending : inFlight;
    const count = Math.floor(Math.min(room, this.#allowance));
    if (count <= 0) return;
    const bytes = Buffer.allocUnsafe(count * this.#frame.length);
    const nowMs = performance.now();
    for (let nth = 0; nth < count; nth += 1) {
      const at = nth * this.#frame.length;
      this.#frame.copy(bytes, at);
      if (qos === 0) continue;
      this.#packetId = (this.#packetId % 65_535) + 1;
      bytes.writeUInt16BE(this.#packetId, at + this.#idAt);
      this.#sentAtMs[this.#packetId] = nowMs;
    }
    this.#allowance -= count;
    this.#pending += count;
    if (qos === 0) this.acknowledged += count;
    this.#socket.write(bytes);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.length - (bytes.length % PUBACK_BYTES);
    const nowMs = performance.now();
    for (let at = 0; at < whole; at += PUBACK_BYTES) {
      if (bytes[at] !== PUBACK) throw new Error(`expected a PUBACK, got type ${bytes[at]}`);
      this.acknowledged += 1;
      this.#pending -= 1;
      // Every hundredth: sorting millions would cost more than the load itself.
      if (this.acknowledged % 100 === 0) {
        const sentAtMs = this.#sentAtMs[bytes.readUInt16BE(at + 2)] ?? nowMs;
        this.latenciesMs.push(nowMs - sentAtMs);
      }
    }
    this.#rest = bytes.subarray(whole);
    this.send();
  }
}

async function blast(host: string, port: number, options: BlastOptions): Promise<BlastResult> {
  const publishers: Publisher[] = [];
  for (let number = 0; number < options.connections; number += 1) {
    const publisher = new Publisher(connect({ host, port }), number, options);
    await publisher.open(number);
    publishers.push(publisher);
  }
  for (const publisher of publishers) publisher.send();
  let given = 0;
  const pacedFromMs = performance.now();
  const pacer = setInterval(() => {
    if (options.ratePerSecond === 0) return;
    const due = ((performance.now() - pacedFromMs) / 1000) * options.ratePerSecond;
    for (; given < due; given += 1) publishers[given % publishers.length]?.allow(1);
  }, PACE_MS);
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  for (const publisher of publishers) publisher.latenciesMs.length = 0;
  const before = total(publishers);
  const startedAtMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
  const messages = total(publishers) - before;
  const seconds = (performance.now() - startedAtMs) / 1000;
  clearInterval(pacer);
  const latencies = publishers.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  return {
    messages,
    seconds,
    ratePerSecond: messages / seconds,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}

function total(publishers: readonly Publisher[]): number {
  return publishers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}

const [host = "127.0.0.1", port = "1883", options = "{}"] = process.argv.slice(2);
const result = await blast(host, Number(port), JSON.parse(options) as BlastOptions);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
