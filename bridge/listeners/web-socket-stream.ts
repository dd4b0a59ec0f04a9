/**
 * A WebSocket as a stream of bytes (MQTT 5.0, section 6): what reads and writes it need not know.
 *
 *  - Reading: each message is a chunk; packets need not end where messages do [MQTT-6.0.0-2]. While
 *    nobody reads, the socket beneath is paused, and so is the client.
 *  - Writing: a write is a message; what waits or was corked leaves in few. A write is done when the
 *    socket beneath has taken it, so `writableLength` and `drain` tell what they tell of a socket.
 *  - `end()` says goodbye and waits for the client's; `destroy()` hangs up. A client that has broken
 *    the rules is told by a close code first.
 *
 * `createWebSocketStream` of the same package makes a message of every corked write, and takes texts
 * for bytes.
 */
import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { messageOf, TributaryError } from "../../src/base/errors.ts";

/** Writes that wait are sent together up to this size. One write alone is never split. */
const MESSAGE_BYTES_MAX = 64 * 1024;

const NORMAL_CLOSURE = 1000;
const UNSUPPORTED_DATA = 1003;

const BINARY = { binary: true, compress: false };

type Done = (error?: Error | null) => void;

export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  /** Nothing more is taken from the client, nor sent to it. */
  #closing = false;
  /** A close code is on its way: the socket ends by itself, in the time that `ws` gives it. */
  #told = false;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("error", (error) => this.#broken(error));
    socket.once("close", () => this.#closed());
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#isOpen(done)) this.#socket.send(chunk, BINARY, done);
  }

  override _writev(writes: readonly { readonly chunk: Buffer }[], done: Done): void {
    if (!this.#isOpen(done)) return;
    const messages = gather(writes.map(({ chunk }) => chunk));
    for (const [index, message] of messages.entries()) {
      this.#socket.send(message, BINARY, index === messages.length - 1 ? done : undefined);
    }
  }

  override _final(done: Done): void {
    this.#goodbye(NORMAL_CLOSURE);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.#told) this.#socket.terminate();
    done(error);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#closing || this.destroyed) return;
    if (!isBinary) {
      this.#told = true;
      this.#goodbye(UNSUPPORTED_DATA);
      // [MQTT-6.0.0-1]
      const message = "A WebSocket client sent a text: MQTT must be sent in binary messages.";
      this.destroy(new TributaryError("FRAME_MALFORMED", message));
      return;
    }
    if (!this.push(data)) this.#socket.pause();
  }

  /** The client broke the rules of WebSocket; `ws` has told it so. A lost socket is no error to it. */
  #broken(error: Error & { readonly code?: string }): void {
    this.#closing = true;
    this.#told = true;
    const tooLarge = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    const message = `A WebSocket client sent what cannot be read: ${messageOf(error)}.`;
    this.destroy(new TributaryError(tooLarge ? "FRAME_TOO_LARGE" : "FRAME_MALFORMED", message));
  }

  #closed(): void {
    const saidGoodbye = this.writableFinished;
    this.#closing = true;
    if (saidGoodbye) this.destroy();
    else this.push(null);
  }

  /** What else the client sends is read, so that its own goodbye is, and thrown away. */
  #goodbye(code: number): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close(code);
    this.#socket.resume();
  }

  #isOpen(done: Done): boolean {
    if (!this.#closing && this.#socket.readyState === this.#socket.OPEN) return true;
    done(Object.assign(new Error("The WebSocket is closed."), { code: "EPIPE" }));
    return false;
  }
}

/** Joins chunks to messages of at most {@link MESSAGE_BYTES_MAX}, or of one chunk. */
function gather(chunks: readonly Buffer[]): Buffer[] {
  const messages: Buffer[] = [];
  let first = 0;
  let bytes = 0;
  for (const [index, { length }] of chunks.entries()) {
    if (index > first && bytes + length > MESSAGE_BYTES_MAX) {
      messages.push(join(chunks.slice(first, index), bytes));
      first = index;
      bytes = 0;
    }
    bytes += length;
  }
  messages.push(join(chunks.slice(first), bytes));
  return messages;
}

function join(chunks: readonly Buffer[], bytes: number): Buffer {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes);
}
