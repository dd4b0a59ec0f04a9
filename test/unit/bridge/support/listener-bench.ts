/** Listeners for tests, on any free port, with everything they do at hand; all closed at the end. */
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Arrived, Listener } from "../../../../bridge/listeners/contract.ts";
import type { ListenerConfig } from "../../../../bridge/listeners/listener-config.ts";
import {
  type MqttListenerParts,
  openMqttListener,
} from "../../../../bridge/listeners/open-mqtt-listener.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { ConnectionLimit } from "../../../../src/listeners/connection-limit.ts";
import type { ListenerRefusalReason } from "../../../../src/listeners/contract.ts";

export interface Refusal {
  readonly reason: ListenerRefusalReason;
  readonly listener: string;
  readonly remote: string | undefined;
  readonly message: string;
}

/** A condition that never holds must not keep the process from its other tests. */
const UNTIL_MS_MAX = 10_000;

export class ListenerBench {
  /** Clients that arrived, and refusals, in order, until somebody takes them. */
  readonly arrivals = new Waiting<Arrived>();
  readonly refusals = new Waiting<Refusal>();
  readonly #listeners: Listener[] = [];
  readonly #streams = new Set<Duplex>();
  readonly #sockets = new Set<Socket>();

  async open(
    config: Partial<ListenerConfig> = {},
    parts: Partial<MqttListenerParts> = {},
    accept: (arrived: Arrived) => void = (arrived) => this.arrivals.give(arrived),
  ): Promise<Listener> {
    const listener = await openMqttListener(
      {
        settings: { name: "test", certificateNames: undefined, limits: NO_LIMITS },
        address: { host: "127.0.0.1", port: 0 },
        addressAdvice: "give --test another HOST:PORT",
        tls: undefined,
        webSocket: undefined,
        proxies: undefined,
        ...config,
      },
      (arrived) => {
        this.#streams.add(arrived.stream);
        arrived.stream.on("error", () => {});
        accept(arrived);
      },
      {
        logger: silentLogger,
        connections: new ConnectionLimit(1_000),
        packetBytesMax: 1_000_000,
        refused: (reason, client, message) => this.refusals.give({ reason, ...client, message }),
        ...parts,
      },
    );
    this.#listeners.push(listener);
    return listener;
  }

  /** A plain TCP connection to a listener; its errors are its peer's doing. */
  connect(
    { address }: Pick<Listener, "address">,
    options: { allowHalfOpen?: boolean } = {},
  ): Socket {
    const socket = connect({ ...address, ...options });
    socket.on("error", () => {});
    this.#sockets.add(socket);
    return socket;
  }

  async close(): Promise<void> {
    for (const stream of [...this.#streams, ...this.#sockets]) stream.destroy();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}

export const NO_LIMITS = {
  connectionsMax: undefined,
  packetBytesMax: undefined,
  messagesPerSecondMax: undefined,
  inflightMax: undefined,
};

/** What has come and what is waited for, first come first served. */
export class Waiting<T> {
  readonly #come: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  get count(): number {
    return this.#come.length;
  }

  give(value: T): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.#come.push(value);
    else resolve(value);
  }

  async next(): Promise<T> {
    const value = this.#come.shift();
    if (value !== undefined) return value;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Everything a stream gives until it has given `bytes`. */
export async function readBytes(stream: Duplex, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < bytes) return;
      stream.off("data", take);
      stream.pause();
      resolve(Buffer.concat(chunks));
    };
    stream.on("data", take);
    stream.once("close", () => reject(new Error(`closed after ${length} bytes of ${bytes}`)));
  });
}

export async function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return;
  stream.resume();
  await new Promise<void>((resolve) => stream.once("close", () => resolve()));
}

/** Resolves when `condition` holds, asked for after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + UNTIL_MS_MAX;
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`it never came to be that ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
