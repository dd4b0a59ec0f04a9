/**
 * Puts the frame scanner and the back-pressure between a socket and its reader. The session engine
 * takes a connection's bytes with `socket.read()`; this answers that call. What it does not hand out
 * stays in the socket's own buffer, and from there on in the device's TCP window.
 *
 *  - Nothing is handed out while too much waits for the disk (see {@link Pressure}).
 *  - Bytes after a CONNECT wait until it has been answered, so that arrival order is kept.
 *  - A bad frame ends the connection; the good frames before it are handed out first.
 */
import type { Socket } from "node:net";
import type { FrameScanner, Scan } from "./frame-scanner.ts";
import { Load, type Pressure } from "./pressure.ts";

export class GuardedSocket {
  readonly socket: Socket;
  readonly load: Load;
  /** The peer's address, which the socket itself forgets when it is destroyed. */
  readonly remote: string;
  readonly #scanner: FrameScanner;
  readonly #pressure: Pressure;
  #awaitsConnack = false;
  #faulty = false;
  #stopped = false;

  constructor(socket: Socket, scanner: FrameScanner, pressure: Pressure) {
    this.socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#scanner = scanner;
    this.#pressure = pressure;
    this.load = new Load(() => this.#offer());
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

  /** Hands out nothing more: the gateway is closing. */
  stop(): void {
    this.#stopped = true;
  }

  #handOut(read: () => Buffer | null): Buffer | null {
    if (this.#stopped || this.#faulty || this.#awaitsConnack) return null;
    if (!this.#pressure.admits(this.load)) return null;
    const bytes = read();
    if (bytes === null) return null;
    const scan = this.#scanner.scan(bytes);
    if (scan.fault !== undefined) {
      this.#fail(scan.fault);
    } else if (scan.connectEnded) {
      this.#awaitsConnack = true;
      if (scan.end < bytes.length) this.socket.unshift(bytes.subarray(scan.end));
    }
    if (scan.end === bytes.length) return bytes;
    return scan.end === 0 ? null : bytes.subarray(0, scan.end);
  }

  /** Once the good frames of this chunk have been taken. */
  #fail(fault: NonNullable<Scan["fault"]>): void {
    this.#faulty = true;
    setImmediate(() => this.socket.destroy(fault));
  }

  /** Lets the reader ask again. */
  #offer(): void {
    if (!this.socket.destroyed) this.socket.emit("readable");
  }
}
