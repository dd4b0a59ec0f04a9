/**
 * A connection on its way in: from the moment the system hands it over until it is handed on as
 * {@link Arrived}, or turned away. It owns the time limit of all handshakes together, and sees to it
 * that at most one reason is reported.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../base/errors.ts";
import type { PeerCertificate } from "../base/peer-certificate.ts";
import { showAddress } from "../config/kinds/address.ts";
import { LOOPBACK, plainAddress } from "./address-block.ts";
import type { ListenerRefusalReason } from "./contract.ts";

export type ReportRefusal = (
  reason: ListenerRefusalReason,
  /** `HOST:PORT` of the other end, as far as it is known. */
  remote: string | undefined,
  message: string,
) => void;

/** One handshake of a listener; the next is entered when it is done. */
export interface Stage {
  enter(incoming: Incoming): void;
}

/** Hands a connection that has passed a stage to the next one, or to whoever waits behind them. */
export type NextStage = (incoming: Incoming) => void;

export class Incoming {
  /** What the system handed over; its end is the end of the connection, whatever stands on it. */
  readonly socket: Socket;
  /** What the next stage reads: the socket, or what the last stage has put on it. */
  stream: Duplex;
  remote: { readonly address: string; readonly port: number };
  throughProxy = false;
  certificate: PeerCertificate | undefined;
  readonly #report: ReportRefusal;
  #deadline: NodeJS.Timeout | undefined;
  #settled = false;

  constructor(socket: Socket, report: ReportRefusal) {
    this.socket = socket;
    this.stream = socket;
    const { remoteAddress = "", remotePort = 0 } = socket;
    this.remote = { address: plainAddress(remoteAddress), port: remotePort };
    this.#report = report;
  }

  /** It comes from this machine itself. */
  get loopback(): boolean {
    return !this.throughProxy && LOOPBACK.has(this.remote.address);
  }

  /** Somebody who takes longer than this for the handshakes is turned away. */
  allow(handshakeMsMax: number): void {
    // Whoever hangs up in a handshake has gone: there is nothing more to say of it.
    this.socket.on("error", ignore);
    this.#deadline = setTimeout(() => {
      this.refuse("timed-out", `The handshakes took longer than ${handshakeMsMax} ms.`);
    }, handshakeMsMax);
    this.socket.once("close", () => this.settle());
  }

  /** It has arrived, or gone: nothing is reported, and no time limit holds, from here on. */
  settle(): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** Whoever it is handed to hears its errors alone. */
  handOn(): void {
    this.settle();
    if (this.stream === this.socket) this.socket.off("error", ignore);
  }

  /** Says why it is turned away, once. The stage that can still answer it ends it itself. */
  report(reason: ListenerRefusalReason, message: string): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#report(
      reason,
      showAddress({ host: this.remote.address, port: this.remote.port }),
      message,
    );
  }

  refuse(reason: ListenerRefusalReason, message: string): void {
    this.report(reason, message);
    this.socket.destroy();
  }

  /** A handshake has failed with `error`; those who merely hang up are not told of. */
  fail(reason: ListenerRefusalReason, error: unknown): void {
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET")
      this.report(reason, messageOf(error));
    this.socket.destroy();
  }
}

function ignore(): void {}
