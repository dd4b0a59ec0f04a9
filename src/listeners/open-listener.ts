/**
 * One listener: it counts who comes, and leads each connection through the handshakes that it is
 * configured with (PROXY header, TLS, the protocol's own, in this order, the way the layers lie on
 * the wire) to whoever accepts it.
 *
 * A connection counts from its first moment to its last, whatever stage it is in; all handshakes
 * together have one time limit.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { messageOf } from "../../src/base/errors.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { ListenAddress } from "../../src/base/service.ts";
import { addressFailure } from "../../src/config/listen-failure.ts";
import { AddressBlocks } from "./address-block.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import type { Arrived, Listener, ListenerSettings, ReportTurnedAway } from "./contract.ts";
import { Incoming, type NextStage, type ReportRefusal, type Stage } from "./incoming.ts";
import type { ListenerConfig, ListenerProtocol } from "./listener-config.ts";
import { ProxyStage } from "./proxy-stage.ts";
import { readingShared } from "./shared-reads.ts";
import type { TlsStage } from "./tls-stage.ts";

/** A peer that vanished without a word is noticed, also where its protocol asks for nothing. */
const KEEP_ALIVE_AFTER_MS = 60_000;
export const HANDSHAKE_MS_MAX = 10_000;

export interface ListenerParts {
  readonly logger: Logger;
  /** Connections of all listeners together; each counts itself there as well. */
  readonly connections: ConnectionLimit;
  readonly protocol: ListenerProtocol;
  /** How long all handshakes may take together. */
  readonly handshakeMsMax?: number;
  readonly refused: ReportTurnedAway;
}

/**
 * Opens a listener; resolves when it listens. `accept` is called synchronously for each client.
 * @throws CONFIG_INVALID naming the key, ADDRESS_IN_USE
 */
export async function openListener<Settings extends ListenerSettings>(
  config: ListenerConfig<Settings>,
  accept: (arrived: Arrived<Settings>) => void,
  parts: ListenerParts,
): Promise<Listener<Settings>> {
  const listener = new RunningListener(config, accept, parts);
  await listener.open();
  return listener;
}

class RunningListener<Settings extends ListenerSettings> implements Listener<Settings> {
  readonly settings: Settings;
  address: ListenAddress;
  readonly #config: ListenerConfig<Settings>;
  readonly #parts: ListenerParts;
  readonly #accept: (arrived: Arrived<Settings>) => void;
  readonly #own: ConnectionLimit;
  readonly #proxies: AddressBlocks | undefined;
  readonly #server: Server;
  readonly #handshakes = new Set<Incoming>();
  readonly #report: ReportRefusal = (reason, remote, message) => {
    this.#parts.refused(reason, { listener: this.settings.name, remote }, message);
  };
  #first: NextStage = (incoming) => this.#handOn(incoming);
  #tls: TlsStage | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    config: ListenerConfig<Settings>,
    accept: (arrived: Arrived<Settings>) => void,
    parts: ListenerParts,
  ) {
    const { settings, address, proxies } = config;
    this.settings = settings;
    this.address = address;
    this.#config = config;
    this.#parts = parts;
    this.#accept = accept;
    this.#own = new ConnectionLimit(settings.limits.connectionsMax ?? Number.POSITIVE_INFINITY);
    this.#proxies = proxies && new AddressBlocks(proxies);

    this.#server = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      pauseOnConnect: this.#readsShared,
    });
    this.#server.on("connection", (socket) => this.#arrive(socket));
  }

  get connectionCount(): number {
    return this.#own.count;
  }

  async open(): Promise<void> {
    await this.#buildStages();
    await this.#listen();
  }

  /** From the innermost to the outermost. What this listener has no use for is not even loaded. */
  async #buildStages(): Promise<void> {
    const { tls, proxies } = this.#config;
    const { lastStage, applicationProtocol, certificateComplaint } = this.#parts.protocol;
    if (lastStage !== undefined) this.#enter(await lastStage(this.#first));
    if (tls !== undefined) {
      const { openTlsStage } = await import("./tls-stage.ts");
      const words = { applicationProtocol, certificateComplaint };
      this.#tls = await openTlsStage({ ...tls, ...words }, this.#first);
      this.#enter(this.#tls);
    }
    if (proxies !== undefined) this.#enter(new ProxyStage(this.#first));
  }

  #enter(stage: Stage): void {
    this.#first = (incoming) => stage.enter(incoming);
  }

  async #listen(): Promise<void> {
    const { address, addressAdvice } = this.#config;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(addressFailure(addressAdvice, address, error)));
      server.listen(address.port, address.host, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (error) => this.#report("accept", undefined, messageOf(error)));
    const bound = server.address() as AddressInfo;
    this.address = { host: bound.address, port: bound.port };
    const { logger, protocol } = this.#parts;
    logger.info({ listener: this.settings.name, ...this.address }, `${protocol.name} is listening`);
  }

  async reload(): Promise<void> {
    if (this.#tls === undefined) return;
    const listener = this.settings.name;
    try {
      const validTo = await this.#tls.reload();
      this.#parts.logger.info({ listener, validTo }, "the listener's certificate was loaded again");
    } catch (error) {
      const message = "the listener's certificate cannot be loaded again: the one it has stays";
      this.#parts.logger.error({ listener, error: messageOf(error) }, message);
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const { socket } of this.#handshakes) socket.destroy();
    });
    return this.#closing;
  }

  #arrive(accepted: Socket): void {
    // It has hung up already, and so has no address any more.
    if (accepted.remoteAddress === undefined) {
      accepted.destroy();
      return;
    }
    const socket = this.#readsShared ? readingShared(accepted) : accepted;
    const incoming = new Incoming(socket, this.#report);
    if (!this.#admits(incoming)) return;
    this.#count(socket);
    if (this.#handshakesNeeded) {
      this.#handshakes.add(incoming);
      socket.once("close", () => this.#handshakes.delete(incoming));
      incoming.allow(this.#parts.handshakeMsMax ?? HANDSHAKE_MS_MAX);
    }
    this.#first(incoming);
  }

  get #handshakesNeeded(): boolean {
    const { tls, proxies } = this.#config;
    const { lastStage } = this.#parts.protocol;
    return tls !== undefined || lastStage !== undefined || proxies !== undefined;
  }

  get #readsShared(): boolean {
    return this.#parts.protocol.readsShared === true && !this.#handshakesNeeded;
  }

  #admits(incoming: Incoming): boolean {
    const { connections, protocol } = this.#parts;
    if (this.#own.full) {
      const message = `The listener ${this.settings.name} holds ${this.#own.max} connections (limits.connectionsMax).`;
      incoming.refuse("connections-full", message);
    } else if (connections.full) {
      const message = `The gateway holds ${connections.max} ${protocol.name} connections (${protocol.connectionsOption}).`;
      incoming.refuse("connections-full", message);
    } else if (this.#proxies?.has(incoming.remote.address) === false) {
      const message = "Only proxies may connect here, and this is none of proxyProtocol.from.";
      incoming.refuse("proxy", message);
    }
    return !incoming.socket.destroyed;
  }

  #count(socket: Socket): void {
    this.#own.take();
    this.#parts.connections.take();
    socket.on("close", this.#gone);
  }

  /** One for all: a closure for each connection would be memory for each. */
  readonly #gone = () => {
    this.#own.release();
    this.#parts.connections.release();
  };

  #handOn(incoming: Incoming): void {
    const { socket, stream, remote, loopback, certificate } = incoming;
    if (socket.destroyed) return;
    this.#handshakes.delete(incoming);
    incoming.handOn();
    this.#accept({ stream, listener: this.settings, remote, loopback, certificate });
  }
}
