/**
 * Puts the express lane, the frame scanner and the back-pressure between a socket and its reader. The
 * session engine takes a connection's bytes with `socket.read()`; this answers that call. What it
 * does not hand out stays in the socket's own buffer, and from there on in the device's TCP window.
 *
 *  - Nothing is read while too much waits for the disk (see {@link Pressure}).
 *  - Bytes after a CONNECT wait until it has been answered, so that arrival order is kept.
 *  - Once the session stands, the {@link ExpressLane} takes what it can from the front. A PUBLISH
 *    that it leaves is handed out when all that it took is settled, and it takes nothing while the
 *    session engine has messages of this connection: so arrival order is kept between the two.
 *  - A bad frame ends the connection; the good frames before it are handed out first.
 */
import type { Socket } from "node:net";
import { ExpressLane, type ExpressLaneParts } from "../ingest/express-lane.ts";
import type { FrameScanner, Scan } from "./frame-scanner.ts";
import { Load, type Pressure } from "./pressure.ts";

const NOTHING = Buffer.alloc(0);
const PUBLISH = 3;
const LENGTH_BYTES_MAX = 4;

export interface GuardedSocketParts {
  readonly scanner: FrameScanner;
  readonly pressure: Pressure;
  readonly express: ExpressLaneParts;
  /** Frames went by that the session engine does not see: the device is alive. */
  readonly alive: (socket: Socket) => void;
}

export class GuardedSocket {
  readonly socket: Socket;
  readonly load: Load;
  /** The peer's address, which the socket itself forgets when it is destroyed. */
  readonly remote: string;
  readonly #scanner: FrameScanner;
  readonly #pressure: Pressure;
  readonly #express: ExpressLane;
  readonly #alive: (socket: Socket) => void;
  readonly #whenDrained: (() => void)[] = [];
  /** Read from the socket, and not handed out yet. */
  #kept: Buffer = NOTHING;
  #awaitsConnack = false;
  #sessionStands = false;
  #faulty = false;
  #stopped = false;

  constructor(socket: Socket, { scanner, pressure, express, alive }: GuardedSocketParts) {
    this.socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#scanner = scanner;
    this.#pressure = pressure;
    this.#alive = alive;
    this.load = new Load(() => this.#offer());
    this.#express = new ExpressLane(express, {
      load: this.load,
      send: (bytes) => {
        if (socket.writable) socket.write(bytes);
      },
      failed: (error) => this.#fail(error instanceof Error ? error : new Error(String(error))),
      drained: () => this.#drained(),
    });
    const read = socket.read.bind(socket) as (bytes?: number) => Buffer | null;
    // Node's own calls ask for 0 bytes (to start a read) and are none of our business.
    socket.read = (bytes?: number) => (bytes === 0 ? read(0) : this.#handOut(read));
    socket.once("close", () => pressure.forget(this.load));
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

  /** Resolves when all that went the express way is acknowledged. */
  async drained(): Promise<void> {
    if (!this.#express.pending) return;
    await new Promise<void>((resolve) => {
      this.#whenDrained.push(resolve);
    });
  }

  #handOut(read: () => Buffer | null): Buffer | null {
    for (;;) {
      if (this.#stopped || this.#faulty || this.#awaitsConnack) return null;
      if (!this.#pressure.admits(this.load)) return null;
      const chunk = read();
      if (chunk === null && (this.#kept.length === 0 || this.#express.incomplete)) return null;
      let bytes = chunk === null ? this.#kept : this.#withKept(chunk);
      this.#kept = NOTHING;
      if (this.#mayTakeExpress()) {
        bytes = this.#takeExpress(bytes);
        if (this.#express.incomplete) this.#kept = bytes;
        if (bytes.length === 0 || this.#express.incomplete) continue;
      }
      const must = this.#express.pending && this.#scanner.atBoundary;
      const end = must ? endOfLeadingControls(bytes) : bytes.length;
      this.#kept = bytes.subarray(end);
      if (end === 0) return null;
      return this.#scan(bytes.subarray(0, end));
    }
  }

  #withKept(chunk: Buffer): Buffer {
    return this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
  }

  /** The session engine has nothing of this connection on its way, and stands between frames. */
  #mayTakeExpress(): boolean {
    const others = this.load.pendingBytes - this.#express.pendingBytes;
    return this.#sessionStands && others === 0 && this.#scanner.atBoundary;
  }

  #takeExpress(bytes: Buffer): Buffer {
    const taken = this.#express.take(bytes);
    if (taken > 0) this.#alive(this.socket);
    return bytes.subarray(taken);
  }

  #scan(bytes: Buffer): Buffer | null {
    const scan = this.#scanner.scan(bytes);
    if (scan.fault !== undefined) {
      this.#fail(scan.fault);
    } else if (scan.connectEnded) {
      this.#awaitsConnack = true;
      this.#kept = Buffer.concat([bytes.subarray(scan.end), this.#kept]);
    }
    if (scan.end === bytes.length) return bytes;
    return scan.end === 0 ? null : bytes.subarray(0, scan.end);
  }

  #drained(): void {
    for (const resolve of this.#whenDrained.splice(0)) resolve();
    if (this.#kept.length > 0) this.#offer();
  }

  /** Once the good frames of this chunk have been taken. */
  #fail(fault: NonNullable<Scan["fault"]> | Error): void {
    this.#faulty = true;
    setImmediate(() => this.socket.destroy(fault));
  }

  /** Lets the reader ask again. */
  #offer(): void {
    if (!this.socket.destroyed) this.socket.emit("readable");
  }
}

/** Where the packets other than PUBLISH end that `bytes`, which begin with a packet, begin with. */
function endOfLeadingControls(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] as number) >> 4 !== PUBLISH) {
    let length = 0;
    let lengthBytes = 0;
    let byte: number;
    do {
      const position = at + 1 + lengthBytes;
      // What has not come whole belongs to the scanner, and so does what is malformed.
      if (position >= bytes.length || lengthBytes === LENGTH_BYTES_MAX) return bytes.length;
      byte = bytes[position] as number;
      length += (byte & 127) * 128 ** lengthBytes;
      lengthBytes += 1;
    } while ((byte & 128) !== 0);
    at += 1 + lengthBytes + length;
  }
  return Math.min(at, bytes.length);
}
