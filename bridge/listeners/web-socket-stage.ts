/**
 * The upgrade from HTTP to WebSocket (RFC 6455; MQTT 5.0, section 6): on one path, with MQTT as its
 * subprotocol, for pages of sites that may. Whatever else comes is answered and let go.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { messageOf } from "../../src/base/errors.ts";
import type { ListenerRefusalReason } from "../../src/listeners/contract.ts";
import type { Incoming, NextStage, Stage } from "../../src/listeners/incoming.ts";
import type { ListenerWebSocket } from "./listener-config.ts";
import { originAllowed } from "./origin.ts";
import { WebSocketStream } from "./web-socket-stream.ts";

/** `mqtt` for MQTT 3.1.1 and 5, `mqttv3.1` for its elder [MQTT-6.0.0-3]. */
const SUBPROTOCOLS = ["mqtt", "mqttv3.1"];

/** What proxies add that end HTTP. Nobody is let in for what they say: anybody may say it. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

const REQUEST_BYTES_MAX = 8 * 1024;
/** A message may hold the largest packet, and others beside it. */
const MESSAGE_BYTES_SPARE = 64 * 1024;
const MESSAGE_FRAGMENTS_MAX = 1_024;
/** A message may come in many small pieces, but not in pieces so small that they cost more than it. */
const MESSAGE_PIECES_MIN = 4_096;
const MESSAGE_PIECE_BYTES = 256;
/** How long a client may take for its own goodbye. */
const CLOSE_MS_MAX = 1_000;

export class WebSocketStage implements Stage {
  readonly #config: ListenerWebSocket;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #incoming = new WeakMap<Duplex, Incoming>();
  readonly #next: NextStage;

  constructor(config: ListenerWebSocket, packetBytesMax: number, next: NextStage) {
    this.#config = config;
    this.#next = next;
    this.#webSockets = createWebSocketServer(packetBytesMax + MESSAGE_BYTES_SPARE);
    this.#http = createServer({ maxHeaderSize: REQUEST_BYTES_MAX });
    this.#http.on("request", ({ socket }) => {
      this.#answer(socket, 426, "websocket", "This is MQTT over WebSocket: ask for an upgrade.");
    });
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on("clientError", (error, socket) => {
      const message = `The HTTP request cannot be read: ${messageOf(error)}.`;
      if (socket.writable) this.#answer(socket, 400, "websocket", message);
      else this.#incoming.get(socket)?.fail("websocket", error);
    });
    this.#webSockets.on("wsClientError", (error, socket) => {
      this.#answer(socket, 400, "websocket", `The upgrade cannot be done: ${messageOf(error)}.`);
    });
  }

  enter(incoming: Incoming): void {
    this.#incoming.set(incoming.stream, incoming);
    this.#http.emit("connection", incoming.stream);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const incoming = this.#incoming.get(socket);
    if (incoming === undefined) {
      socket.destroy();
      return;
    }
    if (PROXY_HEADERS.some((name) => request.headers[name] !== undefined)) {
      incoming.throughProxy = true;
    }
    const { path, origins } = this.#config;
    const { origin, host } = request.headers;
    if (request.url?.split("?", 1)[0] !== path) {
      this.#answer(socket, 404, "websocket", `MQTT over WebSocket is at ${path}.`);
    } else if (!originAllowed(origins, { origin, host, loopback: incoming.loopback })) {
      const message = "Pages of this site may not connect: name it in the listener's origins.";
      this.#answer(socket, 403, "origin", message);
    } else if (subprotocolOf(request) === undefined) {
      const message = "Ask for the WebSocket subprotocol mqtt (Sec-WebSocket-Protocol).";
      this.#answer(socket, 400, "websocket", message);
    } else {
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        incoming.stream = new WebSocketStream(webSocket);
        this.#next(incoming);
      });
    }
  }

  /** Says no, to the client and to the log. Somebody who does not take it meets the time limit. */
  #answer(socket: Duplex, status: number, reason: ListenerRefusalReason, message: string): void {
    this.#incoming.get(socket)?.report(reason, message);
    socket.once("finish", () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
        "Connection: close\r\n" +
        (status === 426 ? "Upgrade: websocket\r\n" : "") +
        "Content-Type: text/plain; charset=utf-8\r\n" +
        `Content-Length: ${Buffer.byteLength(message) + 1}\r\n\r\n${message}\n`,
    );
  }
}

function createWebSocketServer(messageBytesMax: number): WebSocketServer {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    maxFragments: MESSAGE_FRAGMENTS_MAX,
    maxBufferedChunks: MESSAGE_PIECES_MIN + Math.ceil(messageBytesMax / MESSAGE_PIECE_BYTES),
    closeTimeout: CLOSE_MS_MAX,
    // [MQTT-6.0.0-4]
    handleProtocols: (offered: Set<string>) => chosen([...offered]) ?? false,
  } as const;
  return new WebSocketServer(options);
}

function subprotocolOf(request: IncomingMessage): string | undefined {
  const { "sec-websocket-protocol": offered = "" } = request.headers;
  return chosen(offered.split(",").map((name) => name.trim()));
}

function chosen(offered: readonly string[]): string | undefined {
  return SUBPROTOCOLS.find((name) => offered.includes(name));
}
