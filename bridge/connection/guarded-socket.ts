/**
 * Puts the express lane, the frame scanner and the back-pressure between a socket and its reader. The
 * session engine takes a connection's bytes with `socket.read()`; this answers that call. What it
 * does not hand out stays in (or goes back to) the socket's own buffer, and from there on in the
 * device's TCP window; a device that has sent its last byte is not taken for gone before it is read.
 *
 *  - Nothing is read while too much waits for the disk (see {@link Pressure}), or while the device
 *    does not take its acknowledgements.
 *  - Bytes after a CONNECT wait until it has been answered, so that arrival order is kept.
 *  - Once the session stands, the {@link ExpressLane} takes what it can from the front. A PUBLISH
 *    that it leaves is handed out when all that it took is settled, and it takes nothing while the
 *    session engine has messages of this connection: so arrival order is kept between the two.
 *  - A bad frame ends the connection; the good frames before it are handed out first.
 */
import type { Socket } from "node:net";
import { ExpressLane, type ExpressLaneParts } from "../ingest/express-lane.ts";
import type { FrameScanner, HeldFrames } from "./frame-scanner.ts";
import { Load, type Pressure } from "./pressure.ts";

/**
 * The session engine, once it is fed, is fed whole chunks. After so many bytes it is let finish what
 * it has, so that the express lane can take over: a connection that never pauses would not go back
 * by itself.
 */
const ENGINE_TURN_BYTES_MAX = 256 * 1024;

export interface GuardedSocketParts {
  readonly scanner: FrameScanner;
  readonly pressure: Pressure;
  readonly express: ExpressLaneParts;
  /** Frames went by that the session engine does not see: the device is alive. */
  readonly alive: (socket: Socket) => void;
  /** The socket is full: `done` is to be called when it is not, or the connection to be ended. */
  readonly congested: (socket: Socket, done: () => void) => void;
}

export class GuardedSocket {
  readonly socket: Socket;
  readonly load: Load;
  /** The peer's address, which the socket itself forgets when it is destroyed. */
  readonly remote: string;
  readonly #parts: GuardedSocketParts;
  readonly #express: ExpressLane;
  readonly #whenDrained: (() => void)[] = [];
  #awaitsConnack = false;
  /** A PUBLISH for the session engine is next, and must wait for those that went the express way. */
  #awaitsExpress = false;
  /** The express lane is next, and must wait for what the session engine has. */
  #awaitsEngine = false;
  #engineBytes = 0;
  #congested = false;
  #sessionStands = false;
  #faulty = false;
  #stopped = false;

  constructor(socket: Socket, parts: GuardedSocketParts) {
    this.socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#parts = parts;
    this.load = new Load(
      () => this.#offer(),
      () => this.#engineIdle(),
    );
    this.#express = new ExpressLane(parts.express, {
      load: this.load,
      send: (bytes) => this.#send(bytes),
      failed: (error) => this.#fail(error instanceof Error ? error : new Error(String(error))),
      drained: () => this.#drained(),
    });
    const read = socket.read.bind(socket) as (bytes?: number) => Buffer | null;
    // Node's own calls ask for 0 bytes (to start a read) and are none of our business.
    socket.read = (bytes?: number) => (bytes === 0 ? read(0) : this.#handOut(read));
    socket.once("close", () => parts.pressure.forget(this.load));
  }

  /** The CONNECT has been answered: what follows it may be read. */
  answered(): void {
    this.#awaitsConnack = false;
    this.#offer();
  }

  /** The session stands, and has taken what came before it did: the express lane opens. */
  sessionStands(): void {
    this.#sessionStands = true;
  }

  /** Hands out nothing more: the gateway is closing. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when all that went the express way is settled. */
  async drained(): Promise<void> {
    if (!this.#express.pending) return;
    await new Promise<void>((resolve) => {
      this.#whenDrained.push(resolve);
    });
  }

  /** Whatever makes this false calls {@link #offer} when it does no longer. */
  #mayRead(): boolean {
    const shut = this.#stopped || this.#faulty || this.socket.destroyed;
    if (shut || this.#awaitsConnack || this.#awaitsExpress || this.#awaitsEngine) return false;
    return !this.#congested && this.#parts.pressure.admits(this.load);
  }

  #handOut(read: () => Buffer | null): Buffer | null {
    while (this.#mayRead()) {
      const chunk = read();
      if (chunk === null) return null;
      const bytes = this.#takeExpress(chunk);
      if (bytes.length > 0) return this.#scan(bytes);
    }
    return null;
  }

  /** Answers what the express lane leaves. */
  #takeExpress(bytes: Buffer): Buffer {
    const express = this.#express;
    if (!express.midFrame) {
      // It is the session engine's turn while that has messages, or the beginning of a frame.
      const { atBoundary } = this.#parts.scanner;
      if (!this.#sessionStands || this.#engineIsBusy || !atBoundary) return bytes;
    }
    this.#engineBytes = 0;
    const { messages } = express;
    const left = express.take(bytes);
    if (express.messages > messages) this.#parts.alive(this.socket);
    return left;
  }

  #scan(bytes: Buffer): Buffer | null {
    const held = this.#heldFrames;
    const { end, fault, connectEnded } = this.#parts.scanner.scan(bytes, held);
    this.#engineBytes += end;
    this.#awaitsConnack = connectEnded;
    if (fault !== undefined) this.#fail(fault);
    if (end === bytes.length) return bytes;
    if (fault === undefined) {
      this.#awaitsExpress = held === "publish" && !connectEnded;
      this.#awaitsEngine = held === "all" && this.#engineIsBusy;
      this.socket.unshift(bytes.subarray(end));
    }
    return end === 0 ? null : bytes.subarray(0, end);
  }

  /** What the session engine must not be given now. */
  get #heldFrames(): HeldFrames {
    if (this.#express.pending) return "publish";
    return this.#sessionStands && this.#engineBytes >= ENGINE_TURN_BYTES_MAX ? "all" : "none";
  }

  /** Messages of this connection that it has are not settled yet. */
  get #engineIsBusy(): boolean {
    return this.load.pendingBytes > this.#express.pendingBytes;
  }

  #send(acknowledgements: Buffer): void {
    if (!this.socket.writable || this.socket.write(acknowledgements) || this.#congested) return;
    this.#congested = true;
    this.#parts.congested(this.socket, () => {
      this.#congested = false;
      this.#offer();
    });
  }

  #drained(): void {
    for (const resolve of this.#whenDrained.splice(0)) resolve();
    if (!this.#awaitsExpress) return;
    this.#awaitsExpress = false;
    this.#offer();
  }

  #engineIdle(): void {
    if (!this.#awaitsEngine) return;
    this.#awaitsEngine = false;
    this.#offer();
  }

  /** Once the good frames of this chunk have been taken. */
  #fail(fault: Error): void {
    this.#faulty = true;
    setImmediate(() => this.socket.destroy(fault));
  }

  /** Lets the reader ask again. */
  #offer(): void {
    if (!this.socket.destroyed) this.socket.emit("readable");
  }
}
