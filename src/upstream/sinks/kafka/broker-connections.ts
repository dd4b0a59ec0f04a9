/**
 * Connections to the brokers of one cluster, one for each address, made when they are first wanted.
 * Owner of them. A connection that failed is forgotten; the next wish makes a new one.
 */
import { isIP } from "node:net";
import {
  apiVersionsV1,
  Connection,
  type ConnectionOptions,
  createTopicsV7,
  describeProducersV0,
  initProducerIdV4,
  metadataV9,
  produceV9,
} from "@platformatic/kafka";
import { SinkError } from "../../sink.ts";
import { sinkErrorOf } from "./kafka-errors.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface BrokerConnection {
  readonly connection: Connection;
  /** Whether the broker can say what a producer has written (KIP-664). */
  readonly describesProducers: boolean;
}

/** What every broker must speak; Apache Kafka does from 2.8 on. */
const NEEDED_APIS = [metadataV9.api, produceV9.api, initProducerIdV4.api, createTopicsV7.api];

export class BrokerConnections {
  readonly #clientId: string;
  readonly #options: ConnectionOptions;
  readonly #open = new Map<string, Promise<BrokerConnection>>();
  readonly #connections = new Set<Connection>();
  /** Gives up an attempt to connect that is under way. */
  readonly #opening = new Set<(error: SinkError) => void>();
  #closed = false;

  constructor(clientId: string, options: ConnectionOptions) {
    this.#clientId = clientId;
    this.#options = options;
  }

  /** The connection to that broker, ready for requests. @throws SinkError */
  async to(address: BrokerAddress): Promise<BrokerConnection> {
    if (this.#closed) throw closedError();
    const key = `${address.host}:${address.port}`;
    const known = this.#open.get(key);
    if (known !== undefined) return await known;
    const opening = this.#connect(address, key);
    this.#open.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#open.get(key) === opening) this.#open.delete(key);
      throw sinkErrorOf(error, `connecting to ${key}`);
    }
  }

  /** The first of `addresses` that answers, trying those connected already before the others. */
  async toAny(addresses: readonly BrokerAddress[]): Promise<BrokerConnection> {
    const byKey = new Map(addresses.map((address) => [`${address.host}:${address.port}`, address]));
    const connected = [...byKey].filter(([key]) => this.#open.has(key));
    const others = [...byKey].filter(([key]) => !this.#open.has(key));
    let failure: SinkError | undefined;
    for (const [, address] of [...connected, ...others]) {
      try {
        return await this.to(address);
      } catch (error) {
        const found = sinkErrorOf(error, "connecting");
        // A refusal tells more than a broker that is merely down.
        if (failure === undefined || found.kind === "refused") failure = found;
      }
    }
    throw failure ?? new SinkError("unreachable", "NO_BROKERS", "No upstream broker is known");
  }

  /** Destroys them, rather than the library's own close: that waits for the other side. */
  close(): void {
    this.#closed = true;
    for (const giveUp of this.#opening) giveUp(closedError());
    for (const connection of this.#connections) connection.socket.destroy();
    this.#open.clear();
  }

  async #connect(address: BrokerAddress, key: string): Promise<BrokerConnection> {
    const connection = new Connection(this.#clientId, {
      ...this.#options,
      // A server's name goes into the TLS greeting; an address must not (RFC 6066, section 3).
      tlsServerName: this.#options.tlsServerName ?? isIP(address.host) === 0,
    });
    const forget = () => {
      // Both events may come; by the second, the address may have a new connection.
      if (this.#connections.delete(connection)) this.#open.delete(key);
    };
    // The library emits "error" beside rejecting; unheard, it would end the process.
    connection.on("error", () => {});
    try {
      await this.#unlessClosed(connection.connect(address.host, address.port));
    } catch (error) {
      connection.socket.destroy();
      throw error;
    }
    connection.once("error", forget);
    connection.once("close", forget);
    this.#connections.add(connection);
    const { apiKeys } = await apiVersionsV1.api.async(connection, "tributary", "1");
    const speaks = (api: { key: number; version: number }) =>
      apiKeys.some(
        ({ apiKey, minVersion, maxVersion }) =>
          apiKey === api.key && minVersion <= api.version && maxVersion >= api.version,
      );
    if (!NEEDED_APIS.every(speaks)) {
      connection.socket.destroy();
      throw new SinkError(
        "refused",
        "UNSUPPORTED_VERSION",
        `The broker ${key} is too old: Apache Kafka 2.8 or later is needed upstream`,
      );
    }
    return { connection, describesProducers: speaks(describeProducersV0.api) };
  }

  /** The library waits for a host that never answers until its time-out, also when we close. */
  async #unlessClosed(connecting: void | Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<void>();
    this.#opening.add(reject);
    try {
      await Promise.race([connecting, promise]);
    } finally {
      this.#opening.delete(reject);
    }
  }
}

function closedError(): SinkError {
  return new SinkError("unreachable", "CLOSED", "The forwarder is closed");
}
