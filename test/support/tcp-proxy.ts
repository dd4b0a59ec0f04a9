/**
 * A TCP link that can fail, on loopback. Put it between a client and a server, then:
 *
 *  - `cut("refuse")`: every connection is reset and new ones are refused, as when a process died;
 *  - `cut("blackhole")`: every connection goes silent and new ones are taken but never answered, as
 *    when a cable is pulled: nobody is told, and only a time-out finds out;
 *  - `restore()`: connections that had gone silent are reset (their bytes are gone), new ones work.
 *
 * Clients follow the listener that a Kafka broker advertises, so a broker must advertise its proxy.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export type Outage = "refuse" | "blackhole";

export class TcpProxy {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #outage: Outage | undefined;
  /** Bytes that clients sent through the link, since it was made. */
  bytesUp = 0;

  private constructor(port: number, target: { host: string; port: number }, server: Server) {
    this.port = port;
    this.#target = target;
    this.#server = server;
    server.on("connection", (client) => this.#onConnection(client));
  }

  /** Listens on `listenPort` (0: any) and passes everything on to `target`. */
  static async listen(
    target: { host: string; port: number },
    listenPort: number = 0,
  ): Promise<TcpProxy> {
    const { server, port } = await listenOn(listenPort);
    return new TcpProxy(port, target, server);
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  async cut(outage: Outage): Promise<void> {
    this.#outage = outage;
    if (outage === "blackhole") {
      for (const socket of this.#sockets) socket.unpipe().pause();
      return;
    }
    const server = this.#server;
    this.#server = undefined;
    this.#dropAll();
    if (server !== undefined) await closed(server);
  }

  async restore(): Promise<void> {
    this.#outage = undefined;
    this.#dropAll();
    if (this.#server !== undefined) return;
    const { server } = await listenOn(this.port);
    this.#server = server;
    server.on("connection", (client) => this.#onConnection(client));
  }

  async close(): Promise<void> {
    this.#dropAll();
    if (this.#server !== undefined) await closed(this.#server);
    this.#server = undefined;
  }

  #onConnection(client: Socket): void {
    this.#track(client);
    if (this.#outage !== undefined) {
      client.pause();
      return;
    }
    const server = connect(this.#target);
    this.#track(server);
    client.on("data", (chunk) => {
      this.bytesUp += chunk.length;
    });
    client.pipe(server);
    server.pipe(client);
    client.once("close", () => server.destroy());
    server.once("close", () => client.destroy());
  }

  #track(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // A reset is what this link is for; "close" follows and takes the other side down.
    socket.on("error", () => {});
  }

  #dropAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

function listenOn(port: number): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no port was given"));
      else resolve({ server, port: address.port });
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
